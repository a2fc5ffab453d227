// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The rest of what decides which instances get the app's keys
interface IAppAuthorization {
    event AllowAnyDeviceSet(bool allowAnyDevice);
    event RequireTcbUpToDateSet(bool requireTcbUpToDate);
    event GateInstancesSet(bool gateInstances);
    event OsImageHashAdded(bytes32 osImageHash);
    event OsImageHashRemoved(bytes32 osImageHash);

    /// @notice Allows every machine, listed or not. For the owner.
    function setAllowAnyDevice(bool allowed) external;

    /// @notice Requires the platform's TCB status to be `UpToDate`. For the owner.
    function setRequireTcbUpToDate(bool required) external;

    /// @notice Requires the instance to be one that a live token stands for. For the owner.
    function setGateInstances(bool gated) external;

    /// @notice Allows an OS image. Once one is listed, no other is allowed. For the owner.
    function addOsImageHash(bytes32 osImageHash) external;

    /// @notice Takes an OS image off the list. For the owner.
    function removeOsImageHash(bytes32 osImageHash) external;

    function allowedComposeHashes(bytes32 composeHash) external view returns (bool);

    function allowedDeviceIds(bytes32 deviceId) external view returns (bool);

    function allowedOsImages(bytes32 osImageHash) external view returns (bool);

    /// @notice How many OS images are listed; with none listed, every image is allowed.
    function osImageCount() external view returns (uint256);

    function allowAnyDevice() external view returns (bool);

    function requireTcbUpToDate() external view returns (bool);

    function gateInstances() external view returns (bool);
}

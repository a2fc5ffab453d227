// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The part of an app's management that dstack's own tools call
/// @dev ERC-165 id 0x8fd37527. Adding twice and removing what is not there are no errors, since
/// those tools do so.
interface IAppAuthBasicManagement {
    event ComposeHashAdded(bytes32 composeHash);
    event ComposeHashRemoved(bytes32 composeHash);
    event DeviceAdded(bytes32 deviceId);
    event DeviceRemoved(bytes32 deviceId);

    /// @notice Allows a compose file, by the SHA-256 of its bytes. For the owner.
    function addComposeHash(bytes32 composeHash) external;

    /// @notice Allows it no longer. A running instance is not stopped by it. For the owner.
    function removeComposeHash(bytes32 composeHash) external;

    /// @notice Allows a machine. For the owner.
    function addDevice(bytes32 deviceId) external;

    /// @notice Allows it no longer. For the owner.
    function removeDevice(bytes32 deviceId) external;
}

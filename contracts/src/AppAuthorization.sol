// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IAppAuth} from "./interfaces/IAppAuth.sol";
import {IAppAuthBasicManagement} from "./interfaces/IAppAuthBasicManagement.sol";
import {IAppAuthorization} from "./interfaces/IAppAuthorization.sol";

/// @title Which instances dstack's KMS gives the app's keys to
/// @notice Consulted when an instance boots and when a certificate is signed. Forbidding something
/// here stops no instance that runs already.
abstract contract AppAuthorization is
    Ownable2Step,
    IAppAuth,
    IAppAuthBasicManagement,
    IAppAuthorization
{
    bytes32 private constant UP_TO_DATE_HASH = keccak256("UpToDate");

    /// @inheritdoc IAppAuthorization
    mapping(bytes32 composeHash => bool allowed) public allowedComposeHashes;
    /// @inheritdoc IAppAuthorization
    mapping(bytes32 deviceId => bool allowed) public allowedDeviceIds;
    /// @inheritdoc IAppAuthorization
    mapping(bytes32 osImageHash => bool allowed) public allowedOsImages;
    /// @inheritdoc IAppAuthorization
    uint256 public osImageCount;
    /// @inheritdoc IAppAuthorization
    bool public allowAnyDevice;
    /// @inheritdoc IAppAuthorization
    bool public requireTcbUpToDate;
    /// @inheritdoc IAppAuthorization
    bool public gateInstances;

    /// @inheritdoc IAppAuth
    function isAppAllowed(AppBootInfo calldata bootInfo)
        external
        view
        returns (bool isAllowed, string memory reason)
    {
        if (requireTcbUpToDate && keccak256(bytes(bootInfo.tcbStatus)) != UP_TO_DATE_HASH) {
            return (false, "TCB status is not up to date");
        }
        if (!allowedComposeHashes[bootInfo.composeHash]) {
            return (false, "Compose hash not allowed");
        }
        if (!allowAnyDevice && !allowedDeviceIds[bootInfo.deviceId]) {
            return (false, "Device not allowed");
        }
        if (osImageCount != 0 && !allowedOsImages[bootInfo.osImageHash]) {
            return (false, "OS image is not allowed");
        }
        if (gateInstances && !_isLiveInstance(bytes20(bootInfo.instanceId))) {
            return (false, "Instance not assigned to a live token");
        }
        return (true, "");
    }

    /// @inheritdoc IAppAuthBasicManagement
    function addComposeHash(bytes32 composeHash) external onlyOwner {
        allowedComposeHashes[composeHash] = true;
        emit ComposeHashAdded(composeHash);
    }

    /// @inheritdoc IAppAuthBasicManagement
    function removeComposeHash(bytes32 composeHash) external onlyOwner {
        delete allowedComposeHashes[composeHash];
        emit ComposeHashRemoved(composeHash);
    }

    /// @inheritdoc IAppAuthBasicManagement
    function addDevice(bytes32 deviceId) external onlyOwner {
        allowedDeviceIds[deviceId] = true;
        emit DeviceAdded(deviceId);
    }

    /// @inheritdoc IAppAuthBasicManagement
    function removeDevice(bytes32 deviceId) external onlyOwner {
        delete allowedDeviceIds[deviceId];
        emit DeviceRemoved(deviceId);
    }

    /// @inheritdoc IAppAuthorization
    function setAllowAnyDevice(bool allowed) external onlyOwner {
        allowAnyDevice = allowed;
        emit AllowAnyDeviceSet(allowed);
    }

    /// @inheritdoc IAppAuthorization
    function setRequireTcbUpToDate(bool required) external onlyOwner {
        requireTcbUpToDate = required;
        emit RequireTcbUpToDateSet(required);
    }

    /// @inheritdoc IAppAuthorization
    function setGateInstances(bool gated) external onlyOwner {
        gateInstances = gated;
        emit GateInstancesSet(gated);
    }

    /// @inheritdoc IAppAuthorization
    function addOsImageHash(bytes32 osImageHash) external onlyOwner {
        if (allowedOsImages[osImageHash]) return;

        allowedOsImages[osImageHash] = true;
        ++osImageCount;
        emit OsImageHashAdded(osImageHash);
    }

    /// @inheritdoc IAppAuthorization
    function removeOsImageHash(bytes32 osImageHash) external onlyOwner {
        if (!allowedOsImages[osImageHash]) return;

        delete allowedOsImages[osImageHash];
        --osImageCount;
        emit OsImageHashRemoved(osImageHash);
    }

    function _isLiveInstance(bytes20 instanceId) internal view virtual returns (bool);
}

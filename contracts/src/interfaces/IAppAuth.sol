// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What dstack's KMS asks before it releases an app's keys
/// @dev ERC-165 id 0x1e079198. The struct is dstack's, field by field.
interface IAppAuth {
    struct AppBootInfo {
        address appId;
        bytes32 composeHash;
        /// The 20-byte instance id; nobody's account.
        address instanceId;
        bytes32 deviceId;
        bytes32 mrAggregated;
        bytes32 mrSystem;
        bytes32 osImageHash;
        string tcbStatus;
        string[] advisoryIds;
    }

    /// @return isAllowed whether the instance may have the app's keys
    /// @return reason why not; empty if it may
    function isAppAllowed(AppBootInfo calldata bootInfo)
        external
        view
        returns (bool isAllowed, string memory reason);
}

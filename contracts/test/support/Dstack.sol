// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {KeyProof} from "../../src/interfaces/MembershipTypes.sol";

/// @notice What dstack's KMS and guest agents do, written a second time and in another way than in
/// the contract, so that the two check each other.
library Dstack {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function proof(
        uint256 kmsKey,
        uint256 appKey,
        uint256 nodeKey,
        address appId,
        string memory purpose
    ) internal returns (KeyProof memory) {
        bytes memory nodeMessage = abi.encodePacked(purpose, ":", hexOf(compressed(nodeKey)));
        bytes memory appMessage = abi.encodePacked("dstack-kms-issued:", appId, compressed(appKey));
        return KeyProof({
            derivedPublicKey: uncompressed(nodeKey),
            appPublicKey: uncompressed(appKey),
            appSignature: sign(appKey, keccak256(nodeMessage)),
            kmsSignature: sign(kmsKey, keccak256(appMessage))
        });
    }

    function purposeOf(bytes20 instanceId) internal pure returns (string memory) {
        return string.concat("cluster-node:", hexOf(abi.encodePacked(instanceId)));
    }

    /// @notice r, s, v with v 0 or 1.
    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v - 27);
    }

    function uncompressed(uint256 key) internal returns (bytes memory) {
        Vm.Wallet memory wallet = VM.createWallet(key);
        return abi.encodePacked(wallet.publicKeyX, wallet.publicKeyY);
    }

    function compressed(uint256 key) internal returns (bytes memory) {
        Vm.Wallet memory wallet = VM.createWallet(key);
        return abi.encodePacked(uint8(2 + wallet.publicKeyY % 2), wallet.publicKeyX);
    }

    /// @notice Lower case, without 0x.
    function hexOf(bytes memory data) internal pure returns (string memory) {
        bytes memory text = bytes(VM.toString(data));
        bytes memory digits = new bytes(text.length - 2);
        for (uint256 i = 0; i < digits.length; ++i) {
            digits[i] = text[i + 2];
        }
        return string(digits);
    }
}

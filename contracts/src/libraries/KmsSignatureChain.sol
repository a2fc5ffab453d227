// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {KeyProof} from "../interfaces/MembershipTypes.sol";
import {Signatures} from "./Signatures.sol";

/// @title dstack's signature chain from the KMS root to a node's key
/// @notice The KMS signs `"dstack-kms-issued:" + app id + app key`; the app key signs
/// `purpose + ":" + hex(node key)`. Both are raw keccak256 messages over compressed keys, without
/// Ethereum's prefix. The purpose binds the instance, which the derivation path would not: dstack
/// does not sign the path.
library KmsSignatureChain {
    uint256 private constant PUBLIC_KEY_BYTES = 64;
    bytes16 private constant HEX_DIGITS = "0123456789abcdef";

    /// @notice A public key is uncompressed and without its leading 04: 64 bytes.
    error InvalidPublicKeyLength(uint256 length, uint256 expected);
    /// @notice The node key that the proof is about is not the caller's.
    error KeyNotCallers(address key, address caller);
    /// @notice The signature by the app key is malformed, or by another key, or over another
    /// purpose or node key. `signer` is zero if it is malformed.
    error InvalidAppSignature(address signer, address expected);
    /// @notice The signature by the KMS root is malformed, or by another root, or over another app
    /// or app key. `signer` is zero if it is malformed.
    error InvalidKmsSignature(address signer, address expected);

    /// @notice Returns if the chain shows that `caller`'s key was derived for `instanceId` of the
    /// app, under the root; reverts with the reason if not.
    function requireValid(
        KeyProof calldata proof,
        address caller,
        bytes20 instanceId,
        address appId,
        address kmsRoot
    ) internal pure {
        address key = _addressOf(proof.derivedPublicKey);
        require(key == caller, KeyNotCallers(key, caller));

        address appKey = _addressOf(proof.appPublicKey);
        address appSigner = Signatures.signerOf(
            appMessageHash(proof.derivedPublicKey, instanceId),
            proof.appSignature,
            Signatures.DSTACK_V
        );
        require(appSigner == appKey, InvalidAppSignature(appSigner, appKey));

        address kmsSigner = Signatures.signerOf(
            kmsMessageHash(proof.appPublicKey, appId), proof.kmsSignature, Signatures.DSTACK_V
        );
        require(kmsSigner == kmsRoot, InvalidKmsSignature(kmsSigner, kmsRoot));
    }

    /// @notice What the app key signs for a node key.
    function appMessageHash(bytes calldata derivedPublicKey, bytes20 instanceId)
        internal
        pure
        returns (bytes32)
    {
        // encodePacked: dstack's own format. All parts have fixed lengths.
        return keccak256(
            abi.encodePacked(
                "cluster-node:",
                _hex(abi.encodePacked(instanceId)),
                ":",
                _hex(_compress(derivedPublicKey))
            )
        );
    }

    /// @notice What the KMS root signs for an app key.
    function kmsMessageHash(bytes calldata appPublicKey, address appId)
        internal
        pure
        returns (bytes32)
    {
        // encodePacked: dstack's own format. All parts have fixed lengths.
        return keccak256(abi.encodePacked("dstack-kms-issued:", appId, _compress(appPublicKey)));
    }

    /// @dev That the point lies on the curve is not checked: nobody can sign for, or be the account
    /// of, a point that does not.
    function _addressOf(bytes calldata publicKey) private pure returns (address) {
        require(
            publicKey.length == PUBLIC_KEY_BYTES,
            InvalidPublicKeyLength(publicKey.length, PUBLIC_KEY_BYTES)
        );
        return address(uint160(uint256(keccak256(publicKey))));
    }

    /// @dev SEC 1, 2.3.3: the parity of y in the first byte, then x.
    function _compress(bytes calldata publicKey) private pure returns (bytes memory) {
        bytes1 prefix = uint8(publicKey[63]) % 2 == 0 ? bytes1(0x02) : bytes1(0x03);
        return abi.encodePacked(prefix, publicKey[:32]);
    }

    function _hex(bytes memory data) private pure returns (bytes memory text) {
        text = new bytes(2 * data.length);
        for (uint256 i = 0; i < data.length; ++i) {
            text[2 * i] = HEX_DIGITS[uint8(data[i]) >> 4];
            text[2 * i + 1] = HEX_DIGITS[uint8(data[i]) & 0x0f];
        }
    }
}

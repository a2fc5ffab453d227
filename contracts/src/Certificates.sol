// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ICheckpoints} from "./interfaces/ICheckpoints.sol";
import {ITerms} from "./interfaces/ITerms.sol";
import {Checkpoint} from "./interfaces/MembershipTypes.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {SlotBitmap} from "./libraries/SlotBitmap.sol";
import {Roster} from "./Roster.sol";

/// @title What it takes for the members to have said something
abstract contract Certificates is Roster, EIP712 {
    using SlotBitmap for uint256;

    bytes32 private constant CHECKPOINT_TYPEHASH =
        keccak256("Checkpoint(uint64 coldTerm,uint64 index,bytes32 logRoot,bytes32 stateHash)");

    /// @dev Reverts unless each member in `signers`, and of these at least a quorum, signed.
    /// A member counts once however often it signs: it is one bit, and its one signature stands
    /// where the order of slots puts it.
    function _requireCertificate(bytes32 digest, uint256 signers, bytes calldata signatures)
        internal
        view
    {
        uint256 strangers = signers & ~_activeSlots;
        require(strangers == 0, ITerms.NotActive(strangers.lowest()));
        uint256 revoked = signers & _revokedSlots;
        require(revoked == 0, ITerms.MemberRevoked(revoked.lowest()));
        uint256 signerCount = signers.count();
        uint256 quorum_ = quorum();
        require(signerCount >= quorum_, ICheckpoints.QuorumNotReached(signerCount, quorum_));
        uint256 expectedLength = signerCount * Signatures.SIGNATURE_BYTES;
        require(
            signatures.length == expectedLength,
            ICheckpoints.WrongSignaturesLength(signatures.length, expectedLength)
        );

        for (uint256 offset = 0; offset < expectedLength; offset += Signatures.SIGNATURE_BYTES) {
            uint8 slot = signers.lowest();
            signers = signers.withoutLowest();
            address signer =
                _signerOf(digest, signatures[offset:offset + Signatures.SIGNATURE_BYTES]);
            require(signer == _seats[slot].wallet, ICheckpoints.InvalidSignature(slot));
        }
    }

    /// @dev Zero, which no seat has, if the signature is malformed or has a high s.
    function _signerOf(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        return Signatures.signerOf(digest, signature, Signatures.ETHEREUM_V);
    }

    function _checkpointDigest(Checkpoint memory checkpoint) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHECKPOINT_TYPEHASH, checkpoint)));
    }
}

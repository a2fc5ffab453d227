// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "./Certificates.sol";
import {ICheckpoints} from "./interfaces/ICheckpoints.sol";
import {ITerms} from "./interfaces/ITerms.sol";
import {Anchor, Checkpoint} from "./interfaces/MembershipTypes.sol";
import {MerkleLog} from "./libraries/MerkleLog.sol";

/// @title What the members vouch for
abstract contract Checkpoints is Certificates, ICheckpoints {
    Anchor private _anchor;

    /// @inheritdoc ICheckpoints
    function anchor(
        uint64 coldTerm,
        uint64 index,
        bytes32 logRoot,
        bytes32 stateHash,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external {
        _requireCheckpoint(
            Checkpoint(coldTerm, index, logRoot, stateHash), signerBitmap, signatures
        );
        require(index > _anchor.index, AnchorNotNewer(index, _anchor.index));

        _anchor = Anchor(coldTerm, index, uint64(block.number), logRoot, stateHash);
        emit Anchored(coldTerm, index, logRoot, stateHash);
    }

    /// @inheritdoc ICheckpoints
    function reportEquivocation(
        Checkpoint calldata a,
        bytes calldata signatureA,
        Checkpoint calldata b,
        bytes calldata signatureB
    ) external {
        // The state hash alone does not convict: a newer version of an application may encode the
        // same state differently.
        require(
            a.coldTerm == b.coldTerm && a.index == b.index && a.logRoot != b.logRoot,
            NotEquivocation()
        );
        address signer = _signerOf(_checkpointDigest(a), signatureA);
        address signerB = _signerOf(_checkpointDigest(b), signatureB);
        require(signer == signerB, SignersDiffer(signer, signerB));
        uint8 slot = _requireRegistered(signer);
        require(!_wallets[signer].revoked, ITerms.MemberRevoked(slot));

        emit EquivocationProved(_cluster.term, slot, a.coldTerm, a.index, signer);
        _revoke(_seats[slot].tokenId);
    }

    /// @inheritdoc ICheckpoints
    function verifyReceipt(
        uint64 index,
        bytes32 prevHash,
        bytes calldata entry,
        bytes32[] calldata path
    ) external view returns (bool) {
        return _includes(_anchor.logRoot, _anchor.index, index, prevHash, entry, path);
    }

    /// @inheritdoc ICheckpoints
    function verifyReceipt(
        uint64 index,
        bytes32 prevHash,
        bytes calldata entry,
        bytes32[] calldata path,
        Checkpoint calldata checkpoint,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external view returns (bool) {
        _requireCheckpoint(checkpoint, signerBitmap, signatures);
        return _includes(checkpoint.logRoot, checkpoint.index, index, prevHash, entry, path);
    }

    /// @inheritdoc ICheckpoints
    function latestAnchor() external view returns (Anchor memory) {
        return _anchor;
    }

    function _requireCheckpoint(
        Checkpoint memory checkpoint,
        uint256 signerBitmap,
        bytes calldata signatures
    ) private view {
        // Before term 1 a quorum of those registered so far is a quorum of nothing.
        require(_cluster.term != 0, ITerms.NotStarted());
        uint64 coldTerm = _cluster.coldTerm;
        require(checkpoint.coldTerm == coldTerm, StaleColdTerm(checkpoint.coldTerm, coldTerm));
        _requireCertificate(_checkpointDigest(checkpoint), signerBitmap, signatures);
    }

    /// @dev Entry i, counted from 1, is leaf i - 1.
    function _includes(
        bytes32 logRoot,
        uint64 treeSize,
        uint64 index,
        bytes32 prevHash,
        bytes calldata entry,
        bytes32[] calldata path
    ) private pure returns (bool) {
        if (index == 0) return false;
        bytes32 entryHash = MerkleLog.entryHash(prevHash, entry);
        return MerkleLog.includes(logRoot, treeSize, index - 1, entryHash, path);
    }
}

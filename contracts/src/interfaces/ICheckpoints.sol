// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Checkpoint} from "./MembershipTypes.sol";

/// @title What the members vouch for
interface ICheckpoints {
    /// @notice A quorum of the roster vouched for a checkpoint of the log.
    event Anchored(
        uint64 indexed coldTerm, uint64 indexed index, bytes32 logRoot, bytes32 stateHash
    );
    /// @notice A member signed two different roots for one index. It was revoked.
    event EquivocationProved(
        uint64 indexed term, uint8 indexed slot, uint64 coldTerm, uint64 index, address wallet
    );

    /// @notice The checkpoint is not from the time since the last cold start.
    error StaleColdTerm(uint64 coldTerm, uint64 currentColdTerm);
    /// @notice Anchors grow.
    error AnchorNotNewer(uint64 index, uint64 anchoredIndex);
    /// @notice Fewer members signed than a majority of the roster has.
    error QuorumNotReached(uint256 signers, uint256 quorum);
    /// @notice Each signature has 65 bytes, and there is one for each signer.
    error WrongSignaturesLength(uint256 length, uint256 expected);
    /// @notice The signature that stands for this member is not its own over this message.
    error InvalidSignature(uint8 slot);
    /// @notice Evidence is two checkpoints of one cold term and index with different roots.
    error NotEquivocation();
    /// @notice The two checkpoints were not signed by one and the same key.
    error SignersDiffer(address signerA, address signerB);

    /// @notice Keeps a checkpoint that a quorum signed (EIP-712 `Checkpoint`), if it is newer than
    /// the one kept. Anyone may bring it.
    /// @param signerBitmap bit i is set if the member in slot i signed
    /// @param signatures 65 bytes (r, s, v with v 27 or 28) for each signer, ascending by slot
    function anchor(
        uint64 coldTerm,
        uint64 index,
        bytes32 logRoot,
        bytes32 stateHash,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external;

    /// @notice Revokes a registered node that signed two roots for one index. Anyone may prove it.
    /// @param signatureA the node's EIP-712 signature over `a`, 65 bytes
    /// @param signatureB the node's EIP-712 signature over `b`, 65 bytes
    function reportEquivocation(
        Checkpoint calldata a,
        bytes calldata signatureA,
        Checkpoint calldata b,
        bytes calldata signatureB
    ) external;

    /// @notice Whether a log entry is under the latest anchor.
    /// @param index of the entry, from 1
    /// @param prevHash hash of the entry before
    /// @param entry its bytes; its hash is sha256(prevHash, entry)
    /// @param path RFC 9162 inclusion proof, from the leaf upwards
    function verifyReceipt(
        uint64 index,
        bytes32 prevHash,
        bytes calldata entry,
        bytes32[] calldata path
    ) external view returns (bool);

    /// @notice Whether a log entry is under a checkpoint that a quorum of the present roster signed
    /// since the last cold start.
    /// @dev Reverts with the reason when the certificate is not valid; returns false when the path
    /// does not lead from the entry to the root.
    function verifyReceipt(
        uint64 index,
        bytes32 prevHash,
        bytes calldata entry,
        bytes32[] calldata path,
        Checkpoint calldata checkpoint,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external view returns (bool);

    /// @notice The latest anchor; all zero if there is none.
    function latestAnchor() external view returns (Anchor memory);
}

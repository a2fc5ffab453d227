// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The Merkle tree over the log: RFC 9162 (Certificate Transparency 2.0) with SHA-256
library MerkleLog {
    /// @notice The hash that chains an entry to the one before.
    function entryHash(bytes32 prevHash, bytes calldata entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(prevHash, entry));
    }

    /// @notice Whether the entry with this hash is leaf `leafIndex` of the tree with this root.
    /// @dev RFC 9162, section 2.1.3.2.
    /// @param leafIndex from 0
    /// @param treeSize number of leaves
    function includes(
        bytes32 root,
        uint256 treeSize,
        uint256 leafIndex,
        bytes32 entryHash_,
        bytes32[] calldata path
    ) internal pure returns (bool) {
        if (leafIndex >= treeSize) return false;

        uint256 position = leafIndex;
        uint256 lastPosition = treeSize - 1;
        bytes32 node = sha256(abi.encodePacked(bytes1(0x00), entryHash_));
        for (uint256 i = 0; i < path.length; ++i) {
            if (lastPosition == 0) return false;
            if (position % 2 == 1 || position == lastPosition) {
                node = _parent(path[i], node);
                // The last node of a level may have no sibling: it rises until it has one.
                while (position % 2 == 0 && position != 0) {
                    position >>= 1;
                    lastPosition >>= 1;
                }
            } else {
                node = _parent(node, path[i]);
            }
            position >>= 1;
            lastPosition >>= 1;
        }
        return lastPosition == 0 && node == root;
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}

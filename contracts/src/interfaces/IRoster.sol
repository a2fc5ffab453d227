// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    ClusterView,
    KeyProof,
    Member,
    NodeRecord,
    NodeView,
    TermReason
} from "./MembershipTypes.sol";

/// @title Who is a member
interface IRoster {
    /// @notice A term began. This is the event that nodes follow.
    event TermStarted(uint64 indexed term, uint8 indexed leader, TermReason reason);
    /// @notice A node registered: as a genesis member in term 0, else as a pending one.
    event NodeRegistered(
        uint64 indexed term,
        uint8 indexed slot,
        uint256 indexed tokenId,
        address wallet,
        NodeRecord record
    );
    /// @notice A node that is not active yet registered a new boot.
    event NodeReregistered(
        uint64 indexed term, uint8 indexed slot, bytes32 bootKey, bytes32 quoteHash
    );
    /// @notice A node started anew. Makes restarts public; changes nothing.
    event BootAnnounced(
        uint64 indexed term,
        uint8 indexed slot,
        address indexed wallet,
        bytes32 bootKey,
        bytes32 quoteHash
    );
    /// @notice Clients find the node elsewhere.
    event EndpointUpdated(uint64 indexed term, uint8 indexed slot, string endpoint);
    /// @notice Members find the node elsewhere.
    event PeerEndpointUpdated(uint64 indexed term, uint8 indexed slot, string peerEndpoint);
    /// @notice An active member asks to be removed.
    event NodeDeparting(uint64 indexed term, uint8 indexed slot, uint256 indexed tokenId);
    /// @notice A node that was not active yet is no longer registered.
    event NodeDropped(uint64 indexed term, uint8 indexed slot, uint256 indexed tokenId);
    /// @notice The token can never admit a node again, nor can the wallet and the instance that
    /// were registered with it.
    event NodeRevoked(uint64 indexed term, uint256 indexed tokenId, address indexed wallet);

    /// @notice The wallet is not registered.
    error NotRegistered(address wallet);
    /// @notice The token is for another wallet's node.
    error NotNodeWallet(uint256 tokenId, address caller, address expected);
    /// @notice The wallet is registered already.
    error WalletInUse(address wallet);
    /// @notice The wallet belonged to a revoked member.
    error WalletRevoked(address wallet);
    /// @notice dstack gives every instance an id; zero is none.
    error ZeroInstanceId();
    /// @notice A boot key is an Ed25519 public key; zero is none.
    error ZeroBootKey();
    /// @notice All 256 slots are taken by active and pending nodes.
    error NoFreeSlot();
    /// @notice An active member's boot key changes by a cold start alone.
    error AlreadyActive(uint8 slot);
    /// @notice The member has asked to be removed before.
    error AlreadyDeparting(uint8 slot);
    /// @notice No node is registered with the token.
    error TokenNotInUse(uint256 tokenId);
    /// @notice Needed: 1 <= genesisSize <= maxMembers <= 256 and genesisSize <= maxNodes.
    error InvalidSizes(uint256 genesisSize, uint256 maxMembers, uint256 maxNodes);

    /// @notice Registers the caller's node with a token that names the caller, and makes it a
    /// genesis member or a pending one. The registration that completes the genesis starts term 1.
    /// @param proof shows that the app's key, signed by the KMS root, signed the caller's key for
    /// the purpose `cluster-node:` + the record's instance id
    function register(uint256 tokenId, NodeRecord calldata record, KeyProof calldata proof)
        external;

    /// @notice Tells clients where the caller's node now is. For registered nodes.
    function update(string calldata endpoint) external;

    /// @notice Tells members where the caller's node now is. For registered nodes.
    function updatePeerEndpoint(string calldata peerEndpoint) external;

    /// @notice Replaces the caller's boot key after a restart. For genesis members before term 1
    /// and for pending nodes: neither is part of a roster that a log could name.
    function reregister(bytes32 bootKey, bytes32 quoteHash) external;

    /// @notice Makes a restart of the caller's node public. For registered nodes.
    function announceBoot(bytes32 bootKey, bytes32 quoteHash) external;

    /// @notice Asks for the caller's node to be removed. A node that is not active goes at once, an
    /// active one when the leader removes it.
    function leave() external;

    /// @notice As `leave`, for a node that can no longer ask itself. For the token's holder.
    function retire(uint256 tokenId) external;

    /// @notice Revokes a token and whatever is registered with it, for good. For the owner.
    /// A node that is not active goes at once. An active member stays counted in the roster, so
    /// that the term, the leader and the quorum are as before, until the leader removes it; but it
    /// can no longer vote, certify or be named leader, and if it leads, it can only hand over.
    function revoke(uint256 tokenId) external;

    /// @notice Term, leader and active members at one block.
    function cluster() external view returns (ClusterView memory);

    /// @notice The nodes that wait to be admitted, ascending by slot.
    function pending() external view returns (Member[] memory);

    /// @notice What the contract takes a wallet for.
    function nodeOf(address wallet) external view returns (NodeView memory);

    /// @notice The current term; 0 before the genesis is complete.
    function term() external view returns (uint64);

    /// @notice How many members a majority of the roster has.
    function quorum() external view returns (uint256);

    /// @notice The most members that may be active at once.
    function maxMembers() external view returns (uint256);
}

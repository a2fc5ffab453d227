// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Why a term began.
enum TermReason {
    Genesis,
    NoConfidence,
    HandOver,
    Admit,
    Remove,
    ColdStart
}

/// @notice What the contract takes a wallet for.
/// `Genesis`: registered, term 1 has not begun. `Pending`: registered later, not admitted yet.
/// `Left`: was registered and is no more. `Revoked` outweighs all others.
enum NodeStanding {
    None,
    Genesis,
    Active,
    Pending,
    Left,
    Revoked
}

/// @notice What a deployment settles: the sizes for good, the rest until the owner changes it.
struct Configuration {
    /// ERC-721 name and symbol of the tokens.
    string name;
    string symbol;
    /// Who may mint, revoke and keep the allow-lists.
    address owner;
    /// Address of the KMS root's secp256k1 key.
    address kmsRoot;
    /// How many registrations start term 1.
    uint16 genesisSize;
    /// The most members that may be active at once, at most 256.
    uint16 maxMembers;
    /// The most tokens that will ever exist.
    uint64 maxNodes;
    /// What a token costs once minting is public, in wei.
    uint96 mintPrice;
}

/// @notice What a node says of itself when it registers.
struct NodeRecord {
    /// dstack's instance id.
    bytes20 instanceId;
    /// Ed25519 public key of this boot.
    bytes32 bootKey;
    /// Hash of the quote that binds the boot key.
    bytes32 quoteHash;
    /// URL for clients, at most 256 bytes.
    string endpoint;
    /// `host:port` that members dial, at most 256 bytes.
    string peerEndpoint;
}

/// @notice dstack's proof that a key belongs to an app: the KMS signed the app key, the app key
/// signed the derived key. Public keys are uncompressed, 64 bytes, without the leading 04;
/// signatures are r, s, v with v 0 or 1, as the guest agent emits them.
struct KeyProof {
    bytes derivedPublicKey;
    bytes appPublicKey;
    bytes appSignature;
    bytes kmsSignature;
}

/// @notice A registered node as the views show it.
struct Member {
    uint8 slot;
    uint256 tokenId;
    address wallet;
    bytes20 instanceId;
    /// Zero for a member that the last cold start did not name.
    bytes32 bootKey;
    bytes32 quoteHash;
    bool revoked;
    bool departing;
    string endpoint;
    string peerEndpoint;
}

/// @notice The cluster at one block.
struct ClusterView {
    /// 0: not started, registrations are still being collected.
    uint64 term;
    /// Slot of the leader; means nothing in term 0.
    uint8 leader;
    /// Term of the last cold start, 0 if there was none.
    uint64 coldTerm;
    uint16 genesisSize;
    /// Active members, ascending by slot.
    Member[] members;
}

/// @notice A wallet's own standing.
struct NodeView {
    NodeStanding standing;
    /// Means something only for a registered node.
    uint8 slot;
    /// The token it is, or was last, registered with; 0 if none.
    uint256 tokenId;
}

/// @notice What members sign once they have applied a checkpoint of the log.
struct Checkpoint {
    uint64 coldTerm;
    /// Index of the last log entry covered: the size of the Merkle tree.
    uint64 index;
    /// RFC 9162 tree head over the entry hashes.
    bytes32 logRoot;
    bytes32 stateHash;
}

/// @notice The latest checkpoint that a quorum vouched for on-chain.
struct Anchor {
    uint64 coldTerm;
    uint64 index;
    /// Block in which it was anchored.
    uint64 blockNumber;
    bytes32 logRoot;
    bytes32 stateHash;
}

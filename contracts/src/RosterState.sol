// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "./interfaces/IRoster.sol";
import {
    ClusterView,
    Configuration,
    Member,
    NodeStanding,
    NodeView,
    TermReason
} from "./interfaces/MembershipTypes.sol";
import {SlotBitmap} from "./libraries/SlotBitmap.sol";
import {NodeAccess} from "./NodeAccess.sol";

/// @title The roster as it is kept and shown
abstract contract RosterState is NodeAccess, IRoster {
    using SlotBitmap for uint256;

    /// @dev One slot: 8 + 8 + 2 + 2 + 2 + 1 + 1 bytes. Counts go to 256: too much for a byte.
    struct Cluster {
        uint64 term;
        uint64 coldTerm;
        uint16 memberCount;
        uint16 genesisSize;
        uint16 maxMembers;
        uint8 leader;
        uint8 nextSlot;
    }

    /// @dev A registered node. The first slot: 20 + 8 + 1 bytes.
    struct Seat {
        address wallet;
        uint64 tokenId;
        bool departing;
        bytes32 bootKey;
        bytes32 quoteHash;
        bytes20 instanceId;
        string endpoint;
        string peerEndpoint;
    }

    uint256 internal constant SLOT_COUNT = 256;

    Cluster internal _cluster;
    /// @dev Disjoint; a slot in neither is free.
    uint256 internal _activeSlots;
    uint256 internal _pendingSlots;
    /// @dev Part of the active ones.
    uint256 internal _revokedSlots;
    mapping(uint8 slot => Seat) internal _seats;

    constructor(Configuration memory configuration) {
        uint16 genesisSize = configuration.genesisSize;
        uint16 maxMembers_ = configuration.maxMembers;
        uint64 maxNodes_ = configuration.maxNodes;
        require(
            genesisSize != 0 && genesisSize <= maxMembers_ && maxMembers_ <= SLOT_COUNT
                && genesisSize <= maxNodes_,
            InvalidSizes(genesisSize, maxMembers_, maxNodes_)
        );

        _cluster.genesisSize = genesisSize;
        _cluster.maxMembers = maxMembers_;
    }

    /// @inheritdoc IRoster
    function cluster() external view returns (ClusterView memory) {
        Cluster memory current = _cluster;
        return ClusterView({
            term: current.term,
            leader: current.leader,
            coldTerm: current.coldTerm,
            genesisSize: current.genesisSize,
            members: _membersIn(_activeSlots)
        });
    }

    /// @inheritdoc IRoster
    function pending() external view returns (Member[] memory) {
        return _membersIn(_pendingSlots);
    }

    /// @inheritdoc IRoster
    function nodeOf(address wallet) external view returns (NodeView memory node) {
        Wallet storage known = _wallets[wallet];
        node.tokenId = known.tokenId;
        if (known.seat != 0) node.slot = _slotOf(known.seat);

        if (known.revoked) node.standing = NodeStanding.Revoked;
        else if (known.tokenId == 0) node.standing = NodeStanding.None;
        else if (known.seat == 0) node.standing = NodeStanding.Left;
        else if (_pendingSlots.contains(node.slot)) node.standing = NodeStanding.Pending;
        else if (_cluster.term == 0) node.standing = NodeStanding.Genesis;
        else node.standing = NodeStanding.Active;
    }

    /// @inheritdoc IRoster
    function term() external view returns (uint64) {
        return _cluster.term;
    }

    /// @inheritdoc IRoster
    function maxMembers() external view returns (uint256) {
        return _cluster.maxMembers;
    }

    /// @inheritdoc IRoster
    function quorum() public view returns (uint256) {
        return _cluster.memberCount / 2 + 1;
    }

    /// @dev The only way in which a term begins.
    function _startTerm(uint8 leader, TermReason reason) internal returns (uint64 started) {
        // Unchecked: 2^64 terms do not come to pass.
        unchecked {
            started = _cluster.term + 1;
        }
        _cluster.term = started;
        _cluster.leader = leader;
        emit TermStarted(started, leader, reason);
    }

    function _requireRegistered(address wallet) internal view returns (uint8 slot) {
        uint16 seat = _wallets[wallet].seat;
        require(seat != 0, NotRegistered(wallet));
        return _slotOf(seat);
    }

    /// @dev Casts hold: a seat is a slot plus 1.
    function _slotOf(uint16 seat) internal pure returns (uint8) {
        return uint8(seat - 1);
    }

    /// @dev Whether a term counts the registered node in this slot as a member.
    function _isSeated(uint8 slot) internal view returns (bool) {
        return _cluster.term != 0 && _activeSlots.contains(slot);
    }

    function _membersIn(uint256 slots) private view returns (Member[] memory members) {
        members = new Member[](slots.count());
        for (uint256 i = 0; i < members.length; ++i) {
            uint8 slot = slots.lowest();
            slots = slots.withoutLowest();
            Seat storage seat = _seats[slot];
            members[i] = Member({
                slot: slot,
                tokenId: seat.tokenId,
                wallet: seat.wallet,
                instanceId: seat.instanceId,
                bootKey: seat.bootKey,
                quoteHash: seat.quoteHash,
                revoked: _revokedSlots.contains(slot),
                departing: seat.departing,
                endpoint: seat.endpoint,
                peerEndpoint: seat.peerEndpoint
            });
        }
    }
}

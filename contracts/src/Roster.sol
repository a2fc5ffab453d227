// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "./interfaces/IRoster.sol";
import {KeyProof, NodeRecord, TermReason} from "./interfaces/MembershipTypes.sol";
import {KmsSignatureChain} from "./libraries/KmsSignatureChain.sol";
import {SlotBitmap} from "./libraries/SlotBitmap.sol";
import {RegistrationPolicy} from "./RegistrationPolicy.sol";
import {RosterState} from "./RosterState.sol";

/// @title Who is a member
/// @notice Before term 1 every registered node is an active member; later ones wait as pending.
/// The set of active members never changes within a term.
abstract contract Roster is RosterState, RegistrationPolicy {
    using SlotBitmap for uint256;

    /// @inheritdoc IRoster
    function register(uint256 tokenId, NodeRecord calldata record, KeyProof calldata proof)
        external
    {
        _requireRegistrable(tokenId, record.instanceId);
        require(record.instanceId != 0, ZeroInstanceId());
        require(record.bootKey != 0, ZeroBootKey());
        _requireEndpoint(record.endpoint);
        _requirePeerEndpoint(record.peerEndpoint);
        KmsSignatureChain.requireValid(proof, msg.sender, record.instanceId, appId, kmsRoot);

        uint8 slot = _takeSeat(tokenId, record);
        emit NodeRegistered(_cluster.term, slot, tokenId, msg.sender, record);

        _join(slot);
    }

    /// @inheritdoc IRoster
    function update(string calldata endpoint) external {
        uint8 slot = _requireRegistered(msg.sender);
        _requireEndpoint(endpoint);

        _seats[slot].endpoint = endpoint;
        emit EndpointUpdated(_cluster.term, slot, endpoint);
    }

    /// @inheritdoc IRoster
    function updatePeerEndpoint(string calldata peerEndpoint) external {
        uint8 slot = _requireRegistered(msg.sender);
        _requirePeerEndpoint(peerEndpoint);

        _seats[slot].peerEndpoint = peerEndpoint;
        emit PeerEndpointUpdated(_cluster.term, slot, peerEndpoint);
    }

    /// @inheritdoc IRoster
    function reregister(bytes32 bootKey, bytes32 quoteHash) external {
        uint8 slot = _requireRegistered(msg.sender);
        require(!_isSeated(slot), AlreadyActive(slot));
        require(bootKey != 0, ZeroBootKey());

        _seats[slot].bootKey = bootKey;
        _seats[slot].quoteHash = quoteHash;
        emit NodeReregistered(_cluster.term, slot, bootKey, quoteHash);
    }

    /// @inheritdoc IRoster
    function announceBoot(bytes32 bootKey, bytes32 quoteHash) external {
        uint8 slot = _requireRegistered(msg.sender);
        require(bootKey != 0, ZeroBootKey());

        emit BootAnnounced(_cluster.term, slot, msg.sender, bootKey, quoteHash);
    }

    /// @inheritdoc IRoster
    function leave() external {
        _depart(_requireRegistered(msg.sender));
    }

    /// @inheritdoc IRoster
    function retire(uint256 tokenId) external {
        require(_requireOwned(tokenId) == msg.sender, NotTokenHolder(tokenId, msg.sender));
        uint16 seat = _tokens[tokenId].seat;
        require(seat != 0, TokenNotInUse(tokenId));

        _depart(_slotOf(seat));
    }

    /// @inheritdoc IRoster
    function revoke(uint256 tokenId) external onlyOwner {
        _requireOwned(tokenId);
        require(!_tokens[tokenId].revoked, TokenRevoked(tokenId));

        _revoke(tokenId);
    }

    /// @dev Frees the slot and everything that was bound to it; what was revoked stays so.
    function _freeSeat(uint8 slot) internal returns (uint256 tokenId) {
        Seat storage seat = _seats[slot];
        tokenId = seat.tokenId;
        delete _tokens[tokenId].seat;
        delete _wallets[seat.wallet].seat;
        delete _instances[seat.instanceId].seat;
        delete _seats[slot];
    }

    function _revoke(uint256 tokenId) internal {
        Token storage token = _tokens[tokenId];
        token.revoked = true;
        if (token.seat == 0) {
            emit NodeRevoked(_cluster.term, tokenId, address(0));
            return;
        }

        uint8 slot = _slotOf(token.seat);
        Seat storage seat = _seats[slot];
        _wallets[seat.wallet].revoked = true;
        _instances[seat.instanceId].revoked = true;
        emit NodeRevoked(_cluster.term, tokenId, seat.wallet);

        if (_isSeated(slot)) _revokedSlots = _revokedSlots.including(slot);
        else _drop(slot);
    }

    function _isLiveInstance(bytes20 instanceId) internal view virtual returns (bool) {
        return tokenOfInstance(instanceId) != 0;
    }

    function _takeSeat(uint256 tokenId, NodeRecord calldata record) private returns (uint8 slot) {
        uint256 taken = _activeSlots | _pendingSlots;
        require(taken != type(uint256).max, NoFreeSlot());
        // Onwards from the last one given, so that a slot that was freed stays unused for long.
        slot = taken.firstFree(_cluster.nextSlot);
        // Unchecked: after slot 255 comes slot 0.
        unchecked {
            _cluster.nextSlot = slot + 1;
        }

        Seat storage taken_ = _seats[slot];
        taken_.wallet = msg.sender;
        taken_.tokenId = uint64(tokenId);
        taken_.bootKey = record.bootKey;
        taken_.quoteHash = record.quoteHash;
        taken_.instanceId = record.instanceId;
        taken_.endpoint = record.endpoint;
        taken_.peerEndpoint = record.peerEndpoint;
        uint16 seat = uint16(slot) + 1;
        _tokens[tokenId].seat = seat;
        _wallets[msg.sender].seat = seat;
        _wallets[msg.sender].tokenId = uint64(tokenId);
        _instances[record.instanceId].seat = seat;
        _claimInstance(tokenId, record.instanceId);
    }

    function _join(uint8 slot) private {
        Cluster memory current = _cluster;
        if (current.term != 0) {
            _pendingSlots = _pendingSlots.including(slot);
            return;
        }

        uint256 active = _activeSlots.including(slot);
        _activeSlots = active;
        _cluster.memberCount = current.memberCount + 1;
        if (current.memberCount + 1 == current.genesisSize) {
            _startTerm(active.lowest(), TermReason.Genesis);
        }
    }

    function _depart(uint8 slot) private {
        if (!_isSeated(slot)) {
            _drop(slot);
            return;
        }
        Seat storage seat = _seats[slot];
        require(!seat.departing, AlreadyDeparting(slot));

        seat.departing = true;
        emit NodeDeparting(_cluster.term, slot, seat.tokenId);
    }

    /// @dev For a node that no term counts: a pending one, or any before term 1.
    function _drop(uint8 slot) private {
        if (_cluster.term == 0) {
            _activeSlots = _activeSlots.excluding(slot);
            --_cluster.memberCount;
        } else {
            _pendingSlots = _pendingSlots.excluding(slot);
        }
        emit NodeDropped(_cluster.term, slot, _freeSeat(slot));
    }

    function _requireRegistrable(uint256 tokenId, bytes20 instanceId) private view {
        address nodeWallet = nodeWalletOf(tokenId);
        require(nodeWallet == msg.sender, NotNodeWallet(tokenId, msg.sender, nodeWallet));
        require(!_tokens[tokenId].revoked, TokenRevoked(tokenId));
        require(_tokens[tokenId].seat == 0, TokenInUse(tokenId));
        require(!_wallets[msg.sender].revoked, WalletRevoked(msg.sender));
        require(_wallets[msg.sender].seat == 0, WalletInUse(msg.sender));
        require(!_instances[instanceId].revoked, InstanceRevoked(instanceId));
        require(_instances[instanceId].seat == 0, InstanceInUse(instanceId));
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "./Certificates.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {ITerms} from "./interfaces/ITerms.sol";
import {TermReason} from "./interfaces/MembershipTypes.sol";
import {SlotBitmap} from "./libraries/SlotBitmap.sol";

/// @title Who leads, and how members change
abstract contract Terms is Certificates, ITerms {
    using SlotBitmap for uint256;

    bytes32 private constant NO_CONFIDENCE_TYPEHASH =
        keccak256("NoConfidence(uint64 term,uint8 successor,uint64 deadline)");

    /// @dev Keyed by term, so that no vote can count in another one.
    mapping(uint64 term => uint256 bitmap) private _voters;

    /// @inheritdoc ITerms
    function castVote(uint64 term_, uint8 successor, bool noConfidence) external {
        _requireTerm(term_);
        uint8 slot = _requireVoter();
        uint256 voters = _voters[term_];
        if (!noConfidence) {
            require(voters.contains(slot), NotVoted(term_, slot));

            _voters[term_] = voters.excluding(slot);
            emit NoConfidenceWithdrawn(term_, slot);
            return;
        }
        require(!voters.contains(slot), AlreadyVoted(term_, slot));
        _requireSuccessor(successor);

        voters = voters.including(slot);
        _voters[term_] = voters;
        emit NoConfidenceCast(term_, slot, successor);

        // A member that voted and was revoked since no longer counts.
        if ((voters & ~_revokedSlots).count() >= quorum()) {
            _startTerm(successor, TermReason.NoConfidence);
        }
    }

    /// @inheritdoc ITerms
    function submitNoConfidence(
        uint64 term_,
        uint8 successor,
        uint64 deadline,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external {
        _requireTerm(term_);
        require(block.timestamp <= deadline, DeadlineExpired(deadline, block.timestamp));
        _requireSuccessor(successor);
        bytes32 structHash =
            keccak256(abi.encode(NO_CONFIDENCE_TYPEHASH, term_, successor, deadline));
        _requireCertificate(_hashTypedDataV4(structHash), signerBitmap, signatures);

        _startTerm(successor, TermReason.NoConfidence);
    }

    /// @inheritdoc ITerms
    function handOver(uint64 term_, uint8 successor) external {
        _requireTerm(term_);
        // A revoked leader may do this one thing: it costs it the power it has left.
        _requireLeader();
        _requireSuccessor(successor);

        _startTerm(successor, TermReason.HandOver);
    }

    /// @inheritdoc ITerms
    function admit(uint64 term_, uint8 slot) external {
        _requireTerm(term_);
        uint8 leader = _requireUnrevokedLeader();
        require(_pendingSlots.contains(slot), NotPending(slot));
        uint16 memberCount = _cluster.memberCount;
        uint16 maxMembers_ = _cluster.maxMembers;
        require(memberCount < maxMembers_, MaxMembersReached(maxMembers_));

        _pendingSlots = _pendingSlots.excluding(slot);
        _activeSlots = _activeSlots.including(slot);
        _cluster.memberCount = memberCount + 1;
        emit MemberAdmitted(_startTerm(leader, TermReason.Admit), slot, _seats[slot].tokenId);
    }

    /// @inheritdoc ITerms
    function remove(uint64 term_, uint8 slot) external {
        _requireTerm(term_);
        uint8 leader = _requireUnrevokedLeader();
        require(_activeSlots.contains(slot), NotActive(slot));
        require(slot != leader, LeaderNotRemovable(slot));

        _activeSlots = _activeSlots.excluding(slot);
        _revokedSlots = _revokedSlots.excluding(slot);
        --_cluster.memberCount;
        emit MemberRemoved(_startTerm(leader, TermReason.Remove), slot, _freeSeat(slot));
    }

    /// @inheritdoc ITerms
    function coldStart(uint64 term_, bytes32[] calldata bootKeys) external {
        _requireTerm(term_);
        uint8 leader = _requireUnrevokedLeader();
        uint16 memberCount = _cluster.memberCount;
        require(bootKeys.length == memberCount, WrongBootKeyCount(bootKeys.length, memberCount));

        uint256 named = _replaceBootKeys(bootKeys);
        require(named >= quorum(), BootKeysBelowQuorum(named, quorum()));
        require(_seats[leader].bootKey != 0, LeaderBootKeyMissing(leader));

        uint64 coldTerm = _startTerm(leader, TermReason.ColdStart);
        _cluster.coldTerm = coldTerm;
        emit ColdStarted(coldTerm, bootKeys);
    }

    /// @inheritdoc ITerms
    function votersOf(uint64 term_) external view returns (uint256 bitmap) {
        return _voters[term_];
    }

    /// @dev At most 256 rounds.
    function _replaceBootKeys(bytes32[] calldata bootKeys) private returns (uint256 named) {
        uint256 slots = _activeSlots;
        for (uint256 i = 0; i < bootKeys.length; ++i) {
            _seats[slots.lowest()].bootKey = bootKeys[i];
            slots = slots.withoutLowest();
            if (bootKeys[i] != 0) ++named;
        }
    }

    /// @dev Term 0 is refused even when named: nobody leads, and a quorum of those registered so
    /// far is a quorum of nothing.
    function _requireTerm(uint64 term_) private view {
        uint64 current = _cluster.term;
        require(current != 0, NotStarted());
        require(term_ == current, StaleTerm(term_, current));
    }

    function _requireVoter() private view returns (uint8 slot) {
        slot = _requireRegistered(msg.sender);
        require(_activeSlots.contains(slot), NotActive(slot));
        require(!_revokedSlots.contains(slot), MemberRevoked(slot));
    }

    function _requireLeader() private view returns (uint8 leader) {
        leader = _cluster.leader;
        require(_seats[leader].wallet == msg.sender, NotLeader(msg.sender));
    }

    function _requireUnrevokedLeader() private view returns (uint8 leader) {
        leader = _requireLeader();
        require(!_revokedSlots.contains(leader), MemberRevoked(leader));
    }

    function _requireSuccessor(uint8 successor) private view {
        require(successor != _cluster.leader, SuccessorIsLeader(successor));
        require(_activeSlots.contains(successor), NotActive(successor));
        require(!_revokedSlots.contains(successor), MemberRevoked(successor));
    }
}

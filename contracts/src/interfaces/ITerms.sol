// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who leads, and how members change
/// @notice Every call names the current term. Whatever it changes starts the next one, so that a
/// call written for an older term does nothing.
interface ITerms {
    /// @notice A member voted to end the term.
    event NoConfidenceCast(uint64 indexed term, uint8 indexed slot, uint8 indexed successor);
    /// @notice A member took its vote back.
    event NoConfidenceWithdrawn(uint64 indexed term, uint8 indexed slot);
    /// @notice A pending node became a member with this term.
    event MemberAdmitted(uint64 indexed term, uint8 indexed slot, uint256 indexed tokenId);
    /// @notice A member is none from this term on.
    event MemberRemoved(uint64 indexed term, uint8 indexed slot, uint256 indexed tokenId);
    /// @notice A full outage ended with this term; these are the boot keys, ascending by slot.
    event ColdStarted(uint64 indexed term, bytes32[] bootKeys);

    /// @notice The genesis is not complete: there is no term yet.
    error NotStarted();
    /// @notice A term was named that is not the current one.
    error StaleTerm(uint64 term, uint64 currentTerm);
    /// @notice This is for the leader's wallet alone.
    error NotLeader(address caller);
    /// @notice The slot holds no active member.
    error NotActive(uint8 slot);
    /// @notice The slot holds no pending node.
    error NotPending(uint8 slot);
    /// @notice The member was revoked.
    error MemberRevoked(uint8 slot);
    /// @notice The leader cannot follow itself.
    error SuccessorIsLeader(uint8 slot);
    /// @notice The leader cannot be removed; it must hand over first.
    error LeaderNotRemovable(uint8 slot);
    /// @notice The member has voted in this term.
    error AlreadyVoted(uint64 term, uint8 slot);
    /// @notice The member has no vote to withdraw in this term.
    error NotVoted(uint64 term, uint8 slot);
    /// @notice The signatures are no longer valid.
    error DeadlineExpired(uint64 deadline, uint256 blockTimestamp);
    /// @notice As many members are active as may be.
    error MaxMembersReached(uint256 maxMembers);
    /// @notice A cold start gives one boot key, possibly zero, for each active member.
    error WrongBootKeyCount(uint256 count, uint256 expected);
    /// @notice A cold start must name the boots of at least a quorum, the leader's among them.
    error BootKeysBelowQuorum(uint256 named, uint256 quorum);
    /// @notice The leader that makes a cold start must name its own boot.
    error LeaderBootKeyMissing(uint8 slot);

    /// @notice Votes to end the term, or with `noConfidence` false withdraws that vote. The vote
    /// that completes a quorum starts the next term under the successor it names, whatever the
    /// votes before it named. For active members; the leader's own vote counts.
    /// @param successor slot of another active member; ignored by a withdrawal
    function castVote(uint64 term, uint8 successor, bool noConfidence) external;

    /// @notice Ends the term by the signatures of a quorum over one EIP-712 `NoConfidence`.
    /// Anyone may bring them.
    /// @param deadline until when the signatures are valid, in seconds since the Unix epoch
    /// @param signerBitmap bit i is set if the member in slot i signed
    /// @param signatures 65 bytes (r, s, v with v 27 or 28) for each signer, ascending by slot
    function submitNoConfidence(
        uint64 term,
        uint8 successor,
        uint64 deadline,
        uint256 signerBitmap,
        bytes calldata signatures
    ) external;

    /// @notice Hands leadership to another active member. For the leader, even a revoked one.
    function handOver(uint64 term, uint8 successor) external;

    /// @notice Makes a pending node a member. For the leader.
    function admit(uint64 term, uint8 slot) external;

    /// @notice Drops an active member other than the leader. For the leader.
    function remove(uint64 term, uint8 slot) external;

    /// @notice After a full outage: replaces the boot keys of the roster. For the leader.
    /// @param bootKeys one for each active member, ascending by slot; zero for a member whose boot
    /// is not named, which is for a minority only
    function coldStart(uint64 term, bytes32[] calldata bootKeys) external;

    /// @notice The members that have voted to end a term, bit i for slot i.
    function votersOf(uint64 term) external view returns (uint256 bitmap);
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {NodeStanding, TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract CastVoteTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(5);
    }

    function test_refusesBeforeTermOne() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        vm.prank(wallets(0));
        vm.expectRevert(ITerms.NotStarted.selector);
        nft.castVote(0, 1, true);
    }

    function testFuzz_refusesEveryOtherTerm(uint64 term) public {
        vm.assume(term != 1);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.StaleTerm.selector, term, 1));
        nft.castVote(term, 2, true);
    }

    function test_refusesANonMember() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, STRANGER));
        nft.castVote(1, 2, true);
    }

    function test_refusesAPendingNode() public {
        mintAndRegister(5);
        vm.prank(wallets(5));
        vm.expectRevert(abi.encodeWithSelector(ITerms.NotActive.selector, 5));
        nft.castVote(1, 2, true);
    }

    function test_refusesARevokedMember() public {
        vm.prank(OWNER);
        nft.revoke(2);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.MemberRevoked.selector, 1));
        nft.castVote(1, 2, true);
    }

    function test_refusesASecondVote() public {
        vote(1, 1, 2);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.AlreadyVoted.selector, 1, 1));
        nft.castVote(1, 3, true);
    }

    function test_refusesTheLeaderAsSuccessor() public {
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.SuccessorIsLeader.selector, 0));
        nft.castVote(1, 0, true);
    }

    function testFuzz_refusesAnInactiveSuccessor(uint8 successor) public {
        successor = uint8(bound(successor, 5, 255));
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.NotActive.selector, successor));
        nft.castVote(1, successor, true);
    }

    function test_refusesAPendingSuccessor() public {
        mintAndRegister(5);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.NotActive.selector, 5));
        nft.castVote(1, 5, true);
    }

    function test_refusesARevokedSuccessor() public {
        vm.prank(OWNER);
        nft.revoke(3);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.MemberRevoked.selector, 2));
        nft.castVote(1, 2, true);
    }

    function test_refusesToWithdrawAVoteThatWasNotCast() public {
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(ITerms.NotVoted.selector, 1, 1));
        nft.castVote(1, 0, false);
    }

    function test_recordsAVoteWithoutEndingTheTerm() public {
        vm.expectEmit(address(nft));
        emit ITerms.NoConfidenceCast(1, 1, 2);
        vote(1, 1, 2);

        assertEq(nft.votersOf(1), 1 << 1);
        assertTerm(1, 0);
    }

    function test_startsTheNextTermUnderTheSuccessorOfTheDecidingVote() public {
        vote(1, 1, 2);
        vote(2, 1, 3);

        vm.expectEmit(address(nft));
        emit ITerms.NoConfidenceCast(1, 3, 4);
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(2, 4, TermReason.NoConfidence);
        vote(3, 1, 4);
        assertTerm(2, 4);
    }

    function test_countsTheLeadersOwnVote() public {
        vote(0, 1, 1);
        vote(1, 1, 2);
        vote(2, 1, 1);
        assertTerm(2, 1);
    }

    function test_withdrawsAVoteSoThatItNoLongerCounts() public {
        vote(1, 1, 2);
        vote(2, 1, 3);
        vm.expectEmit(address(nft));
        emit ITerms.NoConfidenceWithdrawn(1, 1);
        vm.prank(wallets(1));
        nft.castVote(1, 255, false);
        assertEq(nft.votersOf(1), 1 << 2);

        vote(3, 1, 4);
        assertTerm(1, 0);
        vote(1, 1, 3);
        assertTerm(2, 3);
    }

    function test_doesNotCountAVoterRevokedSince() public {
        vote(1, 1, 2);
        vm.prank(OWNER);
        nft.revoke(2);
        vote(2, 1, 3);
        vote(3, 1, 4);
        assertTerm(1, 0);
        vote(4, 1, 3);
        assertTerm(2, 3);
    }

    function test_startsEachTermWithoutVotes() public {
        vote(1, 1, 2);
        vm.prank(wallets(0));
        nft.handOver(1, 3);
        assertEq(nft.votersOf(2), 0);
        vote(1, 2, 2);
        vote(2, 2, 1);
        assertTerm(2, 3);
    }

    function test_doesNotCountAVoteForWhoeverGetsTheSlotLater() public {
        vote(4, 1, 2);
        vm.prank(wallets(0));
        nft.remove(1, 4);
        assertStanding(4, NodeStanding.Left);
        // n = 4 now, so 3 votes decide.
        vote(1, 2, 2);
        vote(2, 2, 3);
        assertTerm(2, 0);
    }

    function testFuzz_decidesWithExactlyAQuorum(uint8 sizeSeed, uint8 successorSeed) public {
        uint16 size = uint16(bound(sizeSeed, 2, 12));
        uint8 successor = uint8(bound(successorSeed, 1, size - 1));
        nft = deploy(configuration(size, 256));
        for (uint256 i = 0; i < size; ++i) {
            mintAndRegister(i);
        }
        uint256 quorum = size / 2 + 1;
        assertEq(nft.quorum(), quorum);
        for (uint256 i = 0; i < quorum; ++i) {
            assertTerm(1, 0);
            vote(i, 1, successor);
        }
        assertTerm(2, successor);
    }

    function vote(uint256 i, uint64 term, uint8 successor) private {
        vm.prank(wallets(i));
        nft.castVote(term, successor, true);
    }
}

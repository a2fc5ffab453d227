// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StdAssertions} from "forge-std/StdAssertions.sol";
import {StdInvariant} from "forge-std/StdInvariant.sol";
import {IDstackMembershipNFT} from "../../src/interfaces/IDstackMembershipNFT.sol";
import {
    ClusterView,
    Member,
    NodeStanding,
    NodeView
} from "../../src/interfaces/MembershipTypes.sol";
import {Handler} from "./Handler.sol";

/// @notice What holds after any sequence of calls by anyone.
contract MembershipInvariants is StdAssertions, StdInvariant {
    Handler private handler;
    IDstackMembershipNFT private nft;

    function setUp() public {
        handler = new Handler();
        nft = IDstackMembershipNFT(handler.contractUnderTest());
        targetContract(address(handler));
        bytes4[] memory setUpOnly = new bytes4[](1);
        setUpOnly[0] = handler.setUp.selector;
        excludeSelector(FuzzSelector({addr: address(handler), selectors: setUpOnly}));
    }

    function invariant_termNeverFalls() public view {
        assertFalse(handler.termFell());
        assertEq(nft.term(), handler.lastTerm());
    }

    function invariant_leaderIsAnActiveMember() public view {
        ClusterView memory cluster = nft.cluster();
        bool found = false;
        for (uint256 i = 0; i < cluster.members.length; ++i) {
            found = found || cluster.members[i].slot == cluster.leader;
        }
        assertTrue(found);
    }

    function invariant_revokedMemberNeverTakesOffice() public view {
        assertFalse(handler.revokedMemberTookOffice());
    }

    function invariant_rosterChangesOnlyWithTheTerm() public view {
        assertFalse(handler.rosterChangedWithinTerm());
    }

    function invariant_lookupsAgreeWithTheRoster() public view {
        Member[] memory members = nft.cluster().members;
        for (uint256 i = 0; i < members.length; ++i) {
            assertLookups(
                members[i], members[i].revoked ? NodeStanding.Revoked : NodeStanding.Active
            );
        }
        Member[] memory pending = nft.pending();
        for (uint256 i = 0; i < pending.length; ++i) {
            assertLookups(pending[i], NodeStanding.Pending);
        }
    }

    function invariant_slotsAscendAndNoneIsBothActiveAndPending() public view {
        Member[] memory members = nft.cluster().members;
        Member[] memory pending = nft.pending();
        uint256 taken = bitmapOf(members) ^ bitmapOf(pending);
        assertEq(taken, bitmapOf(members) | bitmapOf(pending));
    }

    function invariant_quorumIsAMajorityAndTheRosterIsBounded() public view {
        uint256 memberCount = nft.cluster().members.length;
        assertEq(nft.quorum(), memberCount / 2 + 1);
        assertGt(memberCount, 0);
        assertLe(memberCount, nft.maxMembers());
    }

    function invariant_nobodyVotesTwiceAndOnlyMembersDo() public view {
        uint64 term = nft.term();
        uint256 voters = nft.votersOf(term);
        assertEq(voters & ~bitmapOf(nft.cluster().members), 0);
        assertEq(countOf(voters), handler.votesCast(term));
    }

    function invariant_quorumOfVotesEndsTheTerm() public view {
        Member[] memory members = nft.cluster().members;
        uint256 voters = nft.votersOf(nft.term());
        uint256 votes = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (!members[i].revoked && (voters >> members[i].slot) & 1 == 1) ++votes;
        }
        assertLt(votes, nft.quorum());
    }

    function invariant_anchorsGrow() public view {
        assertFalse(handler.anchorFell());
    }

    function invariant_tokenInUseStaysWithItsHolder() public view {
        assertFalse(handler.tokenMovedInUse());
    }

    function assertLookups(Member memory member, NodeStanding standing) private view {
        NodeView memory node = nft.nodeOf(member.wallet);
        assertEq(uint8(node.standing), uint8(standing));
        assertEq(node.slot, member.slot);
        assertEq(node.tokenId, member.tokenId);
        assertEq(nft.tokenFor(member.wallet), member.tokenId);
        assertEq(nft.isRevoked(member.tokenId), member.revoked);
        uint256 expected = member.revoked ? 0 : member.tokenId;
        assertEq(nft.tokenOfInstance(member.instanceId), expected);
    }

    function bitmapOf(Member[] memory members) private pure returns (uint256 bitmap) {
        for (uint256 i = 0; i < members.length; ++i) {
            uint256 bit = uint256(1) << members[i].slot;
            assertGt(bit, bitmap, "not ascending");
            bitmap |= bit;
        }
    }

    function countOf(uint256 bitmap) private pure returns (uint256 count) {
        for (; bitmap != 0; bitmap >>= 1) {
            count += bitmap & 1;
        }
    }
}

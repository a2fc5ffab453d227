// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {NodeStanding, TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract RemoveTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(3);
    }

    function test_refusesBeforeTermOne() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        mintAndRegister(1);
        expectRefusal(0, 0, 1, abi.encodeWithSelector(ITerms.NotStarted.selector));
    }

    function test_refusesAPastTerm() public {
        vm.prank(wallets(0));
        nft.remove(1, 1);
        expectRefusal(0, 1, 2, abi.encodeWithSelector(ITerms.StaleTerm.selector, 1, 2));
    }

    function test_refusesAnyoneButTheLeader() public {
        expectRefusal(2, 1, 1, abi.encodeWithSelector(ITerms.NotLeader.selector, wallets(2)));
    }

    function test_refusesARevokedLeader() public {
        vm.prank(OWNER);
        nft.revoke(1);
        expectRefusal(0, 1, 1, abi.encodeWithSelector(ITerms.MemberRevoked.selector, 0));
    }

    function test_refusesTheLeadersOwnSlot() public {
        expectRefusal(0, 1, 0, abi.encodeWithSelector(ITerms.LeaderNotRemovable.selector, 0));
    }

    function test_refusesAPendingSlotAndAFreeOne() public {
        mintAndRegister(3);
        expectRefusal(0, 1, 3, abi.encodeWithSelector(ITerms.NotActive.selector, 3));
        expectRefusal(0, 1, 9, abi.encodeWithSelector(ITerms.NotActive.selector, 9));
    }

    function test_dropsTheMemberFromTheNextTerm() public {
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(2, 0, TermReason.Remove);
        vm.expectEmit(address(nft));
        emit ITerms.MemberRemoved(2, 1, 2);
        vm.prank(wallets(0));
        nft.remove(1, 1);

        assertTerm(2, 0);
        assertStanding(1, NodeStanding.Left);
        assertEq(nft.nodeOf(wallets(1)).tokenId, 2);
        assertEq(nft.cluster().members.length, 2);
        assertMember(nft.cluster().members[1], 2);
    }

    function test_letsTheRemovedNodeComeBackAsAPendingOne() public {
        vm.prank(wallets(0));
        nft.remove(1, 1);
        register(1, 2);
        assertStanding(1, NodeStanding.Pending);
        assertEq(slotOf(1), 3);
    }

    function test_letsTheTokenOfTheRemovedNodeChangeHands() public {
        vm.prank(wallets(0));
        nft.remove(1, 1);
        vm.prank(wallets(1));
        nft.transferFrom(wallets(1), STRANGER, 2);
        assertEq(nft.ownerOf(2), STRANGER);
    }

    function test_keepsARemovedMemberRevokedButNotItsSlot() public {
        vm.prank(OWNER);
        nft.revoke(2);
        vm.prank(wallets(0));
        nft.remove(1, 1);
        assertStanding(1, NodeStanding.Revoked);

        for (uint256 i = 3; i < 257; ++i) {
            mintAndRegister(i);
        }
        assertEq(slotOf(256), 1);
        vm.prank(wallets(0));
        nft.admit(2, 1);
        assertFalse(nft.cluster().members[1].revoked);
        vm.prank(wallets(256));
        nft.castVote(3, 2, true);
    }

    function test_canGoDownToTheLeaderAlone() public {
        vm.startPrank(wallets(0));
        nft.remove(1, 1);
        nft.remove(2, 2);
        vm.stopPrank();
        assertEq(nft.quorum(), 1);
        assertEq(nft.cluster().members.length, 1);
    }

    function expectRefusal(uint256 i, uint64 term, uint8 slot, bytes memory reason) private {
        vm.prank(wallets(i));
        vm.expectRevert(reason);
        nft.remove(term, slot);
    }
}

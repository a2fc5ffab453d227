// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {NodeStanding, TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract AdmitTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(3);
        mintAndRegister(3);
    }

    function test_refusesBeforeTermOne() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        expectRefusal(0, 0, 0, abi.encodeWithSelector(ITerms.NotStarted.selector));
    }

    function test_refusesAPastTerm() public {
        vm.prank(wallets(0));
        nft.admit(1, 3);
        mintAndRegister(4);
        expectRefusal(0, 1, 4, abi.encodeWithSelector(ITerms.StaleTerm.selector, 1, 2));
    }

    function test_refusesAnyoneButTheLeader() public {
        expectRefusal(1, 1, 3, abi.encodeWithSelector(ITerms.NotLeader.selector, wallets(1)));
    }

    function test_refusesTheOwner() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ITerms.NotLeader.selector, OWNER));
        nft.admit(1, 3);
    }

    function test_refusesARevokedLeader() public {
        vm.prank(OWNER);
        nft.revoke(1);
        expectRefusal(0, 1, 3, abi.encodeWithSelector(ITerms.MemberRevoked.selector, 0));
    }

    function test_refusesAFreeSlotAndAnActiveOne() public {
        expectRefusal(0, 1, 9, abi.encodeWithSelector(ITerms.NotPending.selector, 9));
        expectRefusal(0, 1, 1, abi.encodeWithSelector(ITerms.NotPending.selector, 1));
    }

    function test_refusesANodeThatLeftOrWasRevokedMeanwhile() public {
        mintAndRegister(4);
        vm.prank(wallets(3));
        nft.leave();
        vm.prank(OWNER);
        nft.revoke(5);
        expectRefusal(0, 1, 3, abi.encodeWithSelector(ITerms.NotPending.selector, 3));
        expectRefusal(0, 1, 4, abi.encodeWithSelector(ITerms.NotPending.selector, 4));
    }

    function test_refusesMoreThanMaxMembers() public {
        nft = deploy(configuration(2, 3));
        for (uint256 i = 0; i < 4; ++i) {
            mintAndRegister(i);
        }
        vm.prank(wallets(0));
        nft.admit(1, 2);
        expectRefusal(0, 2, 3, abi.encodeWithSelector(ITerms.MaxMembersReached.selector, 3));

        vm.prank(wallets(0));
        nft.remove(2, 1);
        vm.prank(wallets(0));
        nft.admit(3, 3);
        assertEq(nft.cluster().members.length, 3);
    }

    function test_makesThePendingNodeAMemberOfTheNextTerm() public {
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(2, 0, TermReason.Admit);
        vm.expectEmit(address(nft));
        emit ITerms.MemberAdmitted(2, 3, 4);
        vm.prank(wallets(0));
        nft.admit(1, 3);

        assertTerm(2, 0);
        assertStanding(3, NodeStanding.Active);
        assertEq(nft.pending().length, 0);
        assertEq(nft.cluster().members.length, 4);
        assertMember(nft.cluster().members[3], 3);
        assertEq(nft.quorum(), 3);
    }

    /// @notice 256 is more than a byte holds.
    function test_goesUpTo256Members() public {
        nft = deploy(configuration(1, 256));
        mintAndRegister(0);
        for (uint256 i = 1; i < 256; ++i) {
            admitNode(i);
        }
        assertTerm(256, 0);
        assertEq(nft.quorum(), 129);
        assertEq(nft.cluster().members.length, 256);

        bytes memory proof =
            signatures(256, nobody(), noConfidenceDigest(256, 1, type(uint64).max));
        nft.submitNoConfidence(256, 1, type(uint64).max, type(uint256).max, proof);
        assertTerm(257, 1);
    }

    function expectRefusal(uint256 i, uint64 term, uint8 slot, bytes memory reason) private {
        vm.prank(wallets(i));
        vm.expectRevert(reason);
        nft.admit(term, slot);
    }
}

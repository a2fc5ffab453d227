// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract HandOverTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(3);
    }

    function test_refusesBeforeTermOneEvenTheFirstSlot() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        mintAndRegister(1);
        expectRefusal(0, 0, 1, abi.encodeWithSelector(ITerms.NotStarted.selector));
    }

    function test_refusesAStaleTerm() public {
        expectRefusal(0, 2, 1, abi.encodeWithSelector(ITerms.StaleTerm.selector, 2, 1));
    }

    function test_refusesAnyoneButTheLeader() public {
        expectRefusal(1, 1, 2, abi.encodeWithSelector(ITerms.NotLeader.selector, wallets(1)));
    }

    function test_refusesTheLeaderOfBefore() public {
        vm.prank(wallets(0));
        nft.handOver(1, 1);
        expectRefusal(0, 2, 2, abi.encodeWithSelector(ITerms.NotLeader.selector, wallets(0)));
    }

    function test_refusesTheLeaderItself() public {
        expectRefusal(0, 1, 0, abi.encodeWithSelector(ITerms.SuccessorIsLeader.selector, 0));
    }

    function test_refusesAnInactiveSuccessor() public {
        mintAndRegister(3);
        expectRefusal(0, 1, 3, abi.encodeWithSelector(ITerms.NotActive.selector, 3));
    }

    function test_refusesARevokedSuccessor() public {
        vm.prank(OWNER);
        nft.revoke(2);
        expectRefusal(0, 1, 1, abi.encodeWithSelector(ITerms.MemberRevoked.selector, 1));
    }

    function test_startsTheNextTermUnderTheSuccessor() public {
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(2, 2, TermReason.HandOver);
        vm.prank(wallets(0));
        nft.handOver(1, 2);
        assertTerm(2, 2);
    }

    function test_letsARevokedLeaderGo() public {
        vm.prank(OWNER);
        nft.revoke(1);
        vm.prank(wallets(0));
        nft.handOver(1, 2);
        assertTerm(2, 2);
    }

    function expectRefusal(uint256 i, uint64 term, uint8 successor, bytes memory reason) private {
        vm.prank(wallets(i));
        vm.expectRevert(reason);
        nft.handOver(term, successor);
    }
}

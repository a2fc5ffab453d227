// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../src/interfaces/IRoster.sol";
import {INodeAccess} from "../src/interfaces/INodeAccess.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {NodeStanding, TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract LeaveTest is ClusterTest {
    function test_leave_refusesANonMember() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, STRANGER));
        nft.leave();
    }

    function test_leave_refusesToAskTwice() public {
        startCluster(3);
        leave(1);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(IRoster.AlreadyDeparting.selector, 1));
        nft.leave();
    }

    function test_leave_onlyMarksAnActiveMember() public {
        startCluster(3);
        vm.expectEmit(address(nft));
        emit IRoster.NodeDeparting(1, 1, 2);
        leave(1);
        assertTerm(1, 0);
        assertTrue(nft.cluster().members[1].departing);
        assertStanding(1, NodeStanding.Active);

        // It still votes until the leader has removed it.
        vm.prank(wallets(1));
        nft.castVote(1, 2, true);
    }

    function test_leave_dropsAPendingNodeAtOnce() public {
        startCluster(3);
        mintAndRegister(3);
        vm.expectEmit(address(nft));
        emit IRoster.NodeDropped(1, 3, 4);
        leave(3);
        assertTerm(1, 0);
        assertEq(nft.pending().length, 0);
        assertStanding(3, NodeStanding.Left);
    }

    function test_leave_dropsAGenesisMemberAtOnceAndTheGenesisWaitsForAnother() public {
        mintAndRegister(0);
        mintAndRegister(1);
        leave(0);
        assertEq(nft.cluster().members.length, 1);
        mintAndRegister(2);
        assertTerm(0, 0);

        uint256 tokenId = mintTo(wallets(3));
        vm.expectEmit(true, true, false, true, address(nft));
        emit IRoster.TermStarted(1, 1, TermReason.Genesis);
        this.registerNode(3, tokenId);
        assertTerm(1, 1);
        assertEq(nft.cluster().members.length, 3);
    }

    function test_retire_refusesATokenThatDoesNotExist() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9));
        nft.retire(9);
    }

    function test_retire_isForTheHolder() public {
        startCluster(3);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.NotTokenHolder.selector, 2, OWNER));
        nft.retire(2);
    }

    function test_retire_refusesATokenWithoutANode() public {
        uint256 tokenId = mintTo(STRANGER);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.TokenNotInUse.selector, tokenId));
        nft.retire(tokenId);
    }

    function test_retire_takesADeadPendingNodesTokenBack() public {
        startCluster(3);
        uint256 tokenId = mintTo(STRANGER);
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(3));
        register(3, tokenId);

        vm.startPrank(STRANGER);
        nft.retire(tokenId);
        nft.transferFrom(STRANGER, OWNER, tokenId);
        assertStanding(3, NodeStanding.Left);
    }

    function test_retire_onlyMarksAnActiveMember() public {
        startCluster(3);
        vm.prank(wallets(2));
        nft.retire(3);
        assertTrue(nft.cluster().members[2].departing);
        assertTerm(1, 0);
    }

    /// @dev External, so that an expected event may come after those of the calls around it.
    function registerNode(uint256 i, uint256 tokenId) external {
        register(i, tokenId);
    }

    function leave(uint256 i) private {
        vm.prank(wallets(i));
        nft.leave();
    }
}

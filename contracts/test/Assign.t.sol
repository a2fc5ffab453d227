// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeAccess} from "../src/interfaces/INodeAccess.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract AssignTest is ClusterTest {
    uint256 private tokenId;

    function setUp() public override {
        super.setUp();
        tokenId = mintTo(STRANGER);
    }

    function test_assign_refusesATokenThatDoesNotExist() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9));
        nft.assign(9, wallets(0));
    }

    function test_assign_isForTheHolder() public {
        vm.prank(wallets(0));
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.NotTokenHolder.selector, 1, wallets(0)));
        nft.assign(tokenId, wallets(0));
    }

    function test_assign_refusesATokenInUse() public {
        assignAndRegister();
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.TokenInUse.selector, tokenId));
        nft.assign(tokenId, wallets(1));
    }

    function test_assign_namesTheWalletThatMayRegister() public {
        vm.expectEmit(address(nft));
        emit INodeAccess.NodeWalletAssigned(tokenId, wallets(0));
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(0));
        assertEq(nft.nodeWalletOf(tokenId), wallets(0));
        assertEq(nft.tokenFor(wallets(0)), tokenId);
        assertEq(nft.tokenFor(STRANGER), 0);
    }

    function test_assign_toNobodyGivesTheRightBackToTheHolder() public {
        vm.startPrank(STRANGER);
        nft.assign(tokenId, wallets(0));
        nft.assign(tokenId, address(0));
        vm.stopPrank();
        assertEq(nft.nodeWalletOf(tokenId), STRANGER);
        assertEq(nft.tokenFor(STRANGER), tokenId);
        assertEq(nft.tokenFor(wallets(0)), 0);
    }

    function test_tokenFor_keepsTheFirstTokenThatServes() public {
        uint256 own = mintTo(wallets(0));
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(0));
        assertEq(nft.tokenFor(wallets(0)), own);
    }

    function test_tokenFor_forgetsARevokedTokenForTheNextOne() public {
        uint256 own = mintTo(wallets(0));
        vm.prank(OWNER);
        nft.revoke(own);
        assertEq(nft.tokenFor(wallets(0)), 0);
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(0));
        assertEq(nft.tokenFor(wallets(0)), tokenId);
    }

    function test_tokenFor_doesNotOfferATokenThatAnotherNodeUses() public {
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(0));
        register(0, tokenId);
        assertEq(nft.tokenFor(wallets(0)), tokenId);
        assertEq(nft.tokenFor(STRANGER), 0);
        assertEq(nft.tokenFor(wallets(5)), 0);
    }

    function test_assignInstance_isForTheHolder() public {
        vm.prank(wallets(0));
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.NotTokenHolder.selector, 1, wallets(0)));
        nft.assignInstance(tokenId, instanceOf(0));
    }

    function test_assignInstance_refusesATokenInUse() public {
        assignAndRegister();
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.TokenInUse.selector, tokenId));
        nft.assignInstance(tokenId, instanceOf(1));
    }

    function test_assignInstance_refusesAnotherLiveTokensInstance() public {
        uint256 other = mintTo(wallets(1));
        assignInstance(STRANGER, tokenId, instanceOf(0));
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.InstanceInUse.selector, instanceOf(0)));
        nft.assignInstance(other, instanceOf(0));
    }

    function test_assignInstance_refusesARevokedMembersInstance() public {
        assignAndRegister();
        vm.prank(OWNER);
        nft.revoke(tokenId);
        uint256 other = mintTo(wallets(1));
        vm.prank(wallets(1));
        vm.expectRevert(
            abi.encodeWithSelector(INodeAccess.InstanceRevoked.selector, instanceOf(0))
        );
        nft.assignInstance(other, instanceOf(0));
    }

    function test_assignInstance_takesOverFromARevokedTokenThatOnlyClaimed() public {
        assignInstance(STRANGER, tokenId, instanceOf(0));
        vm.prank(OWNER);
        nft.revoke(tokenId);
        assertEq(nft.tokenOfInstance(instanceOf(0)), 0);
        uint256 other = mintTo(wallets(1));
        assignInstance(wallets(1), other, instanceOf(0));
        assertEq(nft.tokenOfInstance(instanceOf(0)), other);
    }

    function test_assignInstance_standsForOneInstanceAtATime() public {
        vm.expectEmit(address(nft));
        emit INodeAccess.InstanceAssigned(tokenId, instanceOf(0));
        assignInstance(STRANGER, tokenId, instanceOf(0));
        assignInstance(STRANGER, tokenId, instanceOf(0));
        assertEq(nft.tokenOfInstance(instanceOf(0)), tokenId);
        assignInstance(STRANGER, tokenId, instanceOf(1));
        assertEq(nft.tokenOfInstance(instanceOf(0)), 0);
        assertEq(nft.tokenOfInstance(instanceOf(1)), tokenId);
        assignInstance(STRANGER, tokenId, 0);
        assertEq(nft.tokenOfInstance(instanceOf(1)), 0);
        assertEq(nft.tokenOfInstance(0), 0);
    }

    function test_transfer_refusesATokenWhoseNodeIsAGenesisMember() public {
        assignAndRegister();
        expectTransferRefusal();
    }

    function test_transfer_refusesATokenWhoseNodeIsActivePendingOrDeparting() public {
        startCluster(3);
        assignAndRegisterAs(5);
        expectTransferRefusal();
        vm.prank(wallets(0));
        nft.admit(1, 3);
        expectTransferRefusal();
        vm.prank(wallets(5));
        nft.leave();
        expectTransferRefusal();

        vm.prank(wallets(0));
        nft.remove(2, 3);
        vm.prank(STRANGER);
        nft.transferFrom(STRANGER, OWNER, tokenId);
        assertEq(nft.ownerOf(tokenId), OWNER);
    }

    function test_transfer_refusesAnApprovedOneToo() public {
        assignAndRegister();
        vm.prank(STRANGER);
        nft.setApprovalForAll(OWNER, true);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.TokenInUse.selector, tokenId));
        nft.safeTransferFrom(STRANGER, OWNER, tokenId);
    }

    function test_transfer_refusesWhoeverMayNot() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC721Errors.ERC721InsufficientApproval.selector, address(this), tokenId
            )
        );
        nft.transferFrom(STRANGER, OWNER, tokenId);
    }

    function test_transfer_endsWhatTheFormerHolderAssigned() public {
        vm.startPrank(STRANGER);
        nft.assign(tokenId, wallets(0));
        nft.assignInstance(tokenId, instanceOf(0));
        nft.transferFrom(STRANGER, wallets(1), tokenId);
        vm.stopPrank();

        assertEq(nft.nodeWalletOf(tokenId), wallets(1));
        assertEq(nft.tokenFor(wallets(0)), 0);
        assertEq(nft.tokenFor(wallets(1)), tokenId);
        assertEq(nft.tokenOfInstance(instanceOf(0)), 0);
    }

    function assignInstance(address holder, uint256 token, bytes20 instanceId) private {
        vm.prank(holder);
        nft.assignInstance(token, instanceId);
    }

    function assignAndRegister() private {
        assignAndRegisterAs(0);
    }

    function assignAndRegisterAs(uint256 i) private {
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(i));
        register(i, tokenId);
    }

    function expectTransferRefusal() private {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.TokenInUse.selector, tokenId));
        nft.transferFrom(STRANGER, OWNER, tokenId);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeAccess} from "../src/interfaces/INodeAccess.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {
    IERC721Metadata
} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {Configuration} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";
import {
    PassingReceiver,
    ReenteringOwner,
    ReenteringReceiver,
    Refuser
} from "./support/Receivers.sol";

contract MintTest is ClusterTest {
    uint256 private constant PRICE = 0.01 ether;

    function setUp() public override {
        super.setUp();
        vm.deal(STRANGER, 10 ether);
        vm.deal(OWNER, 10 ether);
    }

    function test_refusesAStrangerWhileMintingIsNotPublic() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.MintingNotPublic.selector, STRANGER));
        nft.mint{value: PRICE}(STRANGER);
    }

    function testFuzz_refusesAnyOtherPayment(uint256 paid) public {
        paid = bound(paid, 0, 10 ether);
        vm.assume(paid != PRICE);
        openMinting();
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.WrongPayment.selector, paid, PRICE));
        nft.mint{value: paid}(STRANGER);
    }

    function test_refusesTheOwnersMoney() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.WrongPayment.selector, 1, 0));
        nft.mint{value: 1}(OWNER);
    }

    function test_refusesMoreThanMaxNodes() public {
        Configuration memory settings = configuration(1, 1);
        settings.maxNodes = 2;
        nft = deploy(settings);
        mintTo(STRANGER);
        mintTo(STRANGER);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.MaxNodesReached.selector, 2));
        nft.mint(STRANGER);
    }

    function test_refusesALongName() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.NodeNameTooLong.selector, 65, 64));
        nft.mintNodeAccess(STRANGER, string(new bytes(65)));
    }

    function test_refusesToMintToNobody() public {
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0))
        );
        nft.mint(address(0));
    }

    function test_refusesToMintToAContractThatTakesNoTokens() public {
        address refuser = address(new Refuser());
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, refuser)
        );
        nft.mint(refuser);
    }

    function test_refusesAReceiverThatMintsAgainMeanwhile() public {
        openMinting();
        for (uint256 i = 0; i < 2; ++i) {
            address receiver = address(new ReenteringReceiver(nft, i == 1));
            vm.deal(receiver, 1 ether);
            vm.prank(OWNER);
            vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            nft.mint(receiver);
        }
        assertEq(nft.totalMinted(), 0);
    }

    function test_staysConsistentWithAReceiverThatPassesTheTokenOn() public {
        address receiver = address(new PassingReceiver(wallets(0)));
        uint256 tokenId = mintTo(receiver);
        assertEq(nft.ownerOf(tokenId), wallets(0));
        assertEq(nft.nodeWalletOf(tokenId), wallets(0));
        assertEq(nft.tokenFor(wallets(0)), tokenId);
        assertEq(nft.tokenFor(receiver), 0);
    }

    function test_numbersTokensFromOne() public {
        assertEq(mintTo(STRANGER), 1);
        assertEq(mintTo(OWNER), 2);
        assertEq(nft.totalMinted(), 2);
        assertEq(nft.maxNodes(), 1000);
        assertEq(nft.ownerOf(2), OWNER);
    }

    function test_announcesTheNameOfTheNode() public {
        vm.expectEmit(address(nft));
        emit INodeAccess.NodeAccessMinted(1, STRANGER, "eu-1");
        vm.expectEmit(address(nft));
        emit IERC721.Transfer(address(0), STRANGER, 1);
        vm.prank(OWNER);
        assertEq(nft.mintNodeAccess(STRANGER, "eu-1"), 1);
    }

    function test_letsAnyoneMintForThePriceOnceMintingIsPublic() public {
        openMinting();
        assertTrue(nft.publicMinting());
        vm.prank(STRANGER);
        nft.mintNodeAccess{value: PRICE}(wallets(0), string(new bytes(64)));
        assertEq(nft.ownerOf(1), wallets(0));
        assertEq(address(nft).balance, PRICE);
    }

    function test_hasNoMetadataElsewhere() public {
        IERC721Metadata metadata = IERC721Metadata(address(nft));
        mintTo(STRANGER);
        assertEq(metadata.name(), "Test Nodes");
        assertEq(metadata.symbol(), "NODE");
        assertEq(metadata.tokenURI(1), "");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        metadata.tokenURI(2);
    }

    function test_setMinting_isForTheOwner() public {
        vm.prank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER)
        );
        nft.setMinting(true, 1);
    }

    function test_setMinting_setsAndAnnouncesThePrice() public {
        vm.expectEmit(address(nft));
        emit INodeAccess.MintingSet(true, 5);
        vm.prank(OWNER);
        nft.setMinting(true, 5);
        assertEq(nft.mintPrice(), 5);
    }

    function test_withdraw_isForTheOwner() public {
        vm.prank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER)
        );
        nft.withdraw(payable(STRANGER));
    }

    function test_withdraw_refusesNobodyAsReceiver() public {
        vm.prank(OWNER);
        vm.expectRevert(INodeAccess.ZeroAddress.selector);
        nft.withdraw(payable(address(0)));
    }

    function test_withdraw_refusesAReceiverThatTakesNoMoney() public {
        sell();
        address refuser = address(new Refuser());
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(INodeAccess.WithdrawalFailed.selector, refuser, PRICE)
        );
        nft.withdraw(payable(refuser));
    }

    function test_withdraw_refusesAnOwnerThatAsksAgainMeanwhile() public {
        ReenteringOwner owner = new ReenteringOwner();
        Configuration memory settings = configuration(1, 1);
        settings.owner = address(owner);
        nft = deploy(settings);
        vm.prank(address(owner));
        nft.setMinting(true, uint96(PRICE));
        vm.prank(STRANGER);
        nft.mint{value: PRICE}(STRANGER);

        vm.expectRevert(
            abi.encodeWithSelector(INodeAccess.WithdrawalFailed.selector, address(owner), PRICE)
        );
        owner.withdrawFrom(nft);
    }

    function test_withdraw_paysOutAll() public {
        sell();
        address payable treasury = payable(wallets(99));
        vm.expectEmit(address(nft));
        emit INodeAccess.Withdrawn(treasury, PRICE);
        vm.prank(OWNER);
        nft.withdraw(treasury);
        assertEq(treasury.balance, PRICE);
        assertEq(address(nft).balance, 0);
    }

    function openMinting() private {
        vm.prank(OWNER);
        nft.setMinting(true, uint96(PRICE));
    }

    function sell() private {
        openMinting();
        vm.prank(STRANGER);
        nft.mint{value: PRICE}(STRANGER);
    }
}

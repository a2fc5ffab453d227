// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../src/interfaces/IRoster.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

/// @notice `reregister` and `announceBoot`: what a restart does, and what it cannot.
contract BootTest is ClusterTest {
    bytes32 private constant BOOT_KEY = keccak256("next boot");
    bytes32 private constant QUOTE_HASH = keccak256("next quote");

    function test_reregister_refusesANonMember() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, STRANGER));
        nft.reregister(BOOT_KEY, QUOTE_HASH);
    }

    function test_reregister_refusesAnActiveMember() public {
        startCluster(3);
        vm.prank(wallets(1));
        vm.expectRevert(abi.encodeWithSelector(IRoster.AlreadyActive.selector, 1));
        nft.reregister(BOOT_KEY, QUOTE_HASH);
        assertEq(nft.cluster().members[1].bootKey, bootKeyOf(1));
    }

    function test_reregister_refusesZero() public {
        mintAndRegister(0);
        vm.prank(wallets(0));
        vm.expectRevert(IRoster.ZeroBootKey.selector);
        nft.reregister(0, QUOTE_HASH);
    }

    function test_reregister_replacesTheBootKeyOfAPendingNode() public {
        startCluster(3);
        mintAndRegister(3);
        vm.expectEmit(address(nft));
        emit IRoster.NodeReregistered(1, 3, BOOT_KEY, QUOTE_HASH);
        vm.prank(wallets(3));
        nft.reregister(BOOT_KEY, QUOTE_HASH);
        assertEq(nft.pending()[0].bootKey, BOOT_KEY);
        assertEq(nft.pending()[0].quoteHash, QUOTE_HASH);
    }

    function test_reregister_replacesTheBootKeyOfAGenesisMemberBeforeTermOne() public {
        mintAndRegister(0);
        vm.prank(wallets(0));
        nft.reregister(BOOT_KEY, QUOTE_HASH);
        assertEq(nft.cluster().members[0].bootKey, BOOT_KEY);
    }

    function test_announceBoot_refusesANonMember() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, STRANGER));
        nft.announceBoot(BOOT_KEY, QUOTE_HASH);
    }

    function test_announceBoot_refusesZero() public {
        mintAndRegister(0);
        vm.prank(wallets(0));
        vm.expectRevert(IRoster.ZeroBootKey.selector);
        nft.announceBoot(0, QUOTE_HASH);
    }

    function test_announceBoot_isAnEventAndNothingElse() public {
        startCluster(3);
        bytes memory before = abi.encode(nft.cluster());
        vm.expectEmit(address(nft));
        emit IRoster.BootAnnounced(1, 1, wallets(1), BOOT_KEY, QUOTE_HASH);
        vm.prank(wallets(1));
        nft.announceBoot(BOOT_KEY, QUOTE_HASH);
        assertEq(abi.encode(nft.cluster()), before);
    }
}

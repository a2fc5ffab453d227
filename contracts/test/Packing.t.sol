// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClusterTest} from "./support/ClusterTest.sol";

/// @notice Which storage the frequent calls touch: how state is packed shows in nothing else.
contract PackingTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(5);
    }

    function test_handOverWritesOneSlot() public {
        vm.record();
        vm.prank(wallets(0));
        nft.handOver(1, 1);
        assertSlots(4, 1);
    }

    function test_castVoteWritesTheRoundAlone() public {
        vm.record();
        vm.prank(wallets(1));
        nft.castVote(1, 2, true);
        assertSlots(5, 1);
    }

    function test_decidingVoteWritesTheRoundAndTheTerm() public {
        for (uint256 i = 1; i < 3; ++i) {
            vm.prank(wallets(i));
            nft.castVote(1, 4, true);
        }
        vm.record();
        vm.prank(wallets(3));
        nft.castVote(1, 4, true);
        assertSlots(5, 2);
    }

    function test_submitNoConfidenceReadsOneSlotForEachSignerAndWritesTheTerm() public {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, type(uint64).max));
        vm.record();
        nft.submitNoConfidence(1, 4, type(uint64).max, 7, proof);
        assertSlots(3 + 3, 1);
    }

    /// @dev Counts each slot once, however often it was read or written.
    function assertSlots(uint256 touched, uint256 written) private {
        (bytes32[] memory reads, bytes32[] memory writes) = vm.accesses(address(nft));
        assertEq(distinct(reads), touched, "slots touched");
        assertEq(distinct(writes), written, "slots written");
    }

    function distinct(bytes32[] memory slots) private pure returns (uint256 count) {
        for (uint256 i = 0; i < slots.length; ++i) {
            uint256 earlier = 0;
            while (slots[earlier] != slots[i]) ++earlier;
            if (earlier == i) ++count;
        }
    }
}

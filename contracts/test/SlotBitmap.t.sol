// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StdUtils} from "forge-std/StdUtils.sol";
import {TestBase} from "forge-std/Base.sol";
import {StdAssertions} from "forge-std/StdAssertions.sol";
import {SlotBitmap} from "../src/libraries/SlotBitmap.sol";

/// @notice The clever version against the plain one.
contract SlotBitmapTest is TestBase, StdAssertions, StdUtils {
    function testFuzz_countsBits(uint256 bitmap) public pure {
        assertEq(SlotBitmap.count(bitmap), plainCount(bitmap));
    }

    function test_countsNoneAllAndAllButOne() public pure {
        assertEq(SlotBitmap.count(0), 0);
        assertEq(SlotBitmap.count(type(uint256).max), 256);
        for (uint256 slot = 0; slot < 256; ++slot) {
            assertEq(SlotBitmap.count(uint256(1) << slot), 1);
            assertEq(SlotBitmap.count(~(uint256(1) << slot)), 255);
        }
    }

    function testFuzz_findsTheLowestSlot(uint256 bitmap) public pure {
        bitmap = bound(bitmap, 1, type(uint256).max);
        uint8 lowest = SlotBitmap.lowest(bitmap);
        assertTrue(SlotBitmap.contains(bitmap, lowest));
        assertEq(bitmap & ((uint256(1) << lowest) - 1), 0);
        assertEq(SlotBitmap.withoutLowest(bitmap), SlotBitmap.excluding(bitmap, lowest));
    }

    function testFuzz_addsAndTakesOneSlotAway(uint256 bitmap, uint8 slot, uint8 other)
        public
        pure
    {
        vm.assume(slot != other);
        uint256 with = SlotBitmap.including(bitmap, slot);
        uint256 without = SlotBitmap.excluding(bitmap, slot);
        assertTrue(SlotBitmap.contains(with, slot));
        assertFalse(SlotBitmap.contains(without, slot));
        assertEq(SlotBitmap.contains(with, other), SlotBitmap.contains(bitmap, other));
        assertEq(SlotBitmap.contains(without, other), SlotBitmap.contains(bitmap, other));
    }

    function testFuzz_findsTheFirstFreeSlotAround(uint256 bitmap, uint8 start) public pure {
        vm.assume(bitmap != type(uint256).max);
        uint8 expected = start;
        while (SlotBitmap.contains(bitmap, expected)) {
            unchecked {
                ++expected;
            }
        }
        assertEq(SlotBitmap.firstFree(bitmap, start), expected);
    }

    function plainCount(uint256 bitmap) private pure returns (uint256 total) {
        for (; bitmap != 0; bitmap >>= 1) {
            total += bitmap & 1;
        }
    }
}

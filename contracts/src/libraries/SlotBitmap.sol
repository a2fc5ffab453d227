// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Sets of member slots, one bit for each of the 256 slots
library SlotBitmap {
    function contains(uint256 bitmap, uint8 slot) internal pure returns (bool) {
        return (bitmap >> slot) & 1 == 1;
    }

    function including(uint256 bitmap, uint8 slot) internal pure returns (uint256) {
        return bitmap | (uint256(1) << slot);
    }

    function excluding(uint256 bitmap, uint8 slot) internal pure returns (uint256) {
        return bitmap & ~(uint256(1) << slot);
    }

    /// @notice The lowest slot of a set that is not empty.
    function lowest(uint256 bitmap) internal pure returns (uint8) {
        // Unchecked: negation wraps, which is what isolates the lowest bit. The cast holds because
        // log2 of 256 bits is at most 255.
        unchecked {
            return uint8(Math.log2(bitmap & (~bitmap + 1)));
        }
    }

    /// @notice The set without its lowest slot: the step of a loop in ascending order.
    function withoutLowest(uint256 bitmap) internal pure returns (uint256) {
        // Unchecked: loops end before the set is empty.
        unchecked {
            return bitmap & (bitmap - 1);
        }
    }

    /// @notice The first slot that is not in the set, looking upwards from `start` and then around.
    /// The set must not be full.
    function firstFree(uint256 bitmap, uint8 start) internal pure returns (uint8) {
        uint256 free = ~bitmap;
        uint256 fromStart = (free >> start) << start;
        return lowest(fromStart == 0 ? free : fromStart);
    }

    /// @notice How many slots are in the set.
    /// @dev Adds bits in parallel: pairs, nibbles, bytes, then the 32 bytes by one multiplication,
    /// whose top byte is their sum. That byte cannot hold 256, so the full set stands aside.
    function count(uint256 bitmap) internal pure returns (uint256) {
        if (bitmap == type(uint256).max) return 256;

        // Unchecked: no field overflows into its neighbour, and the multiplication is meant to
        // drop what lies above 256 bits.
        unchecked {
            bitmap -= (bitmap >> 1) & (type(uint256).max / 3);
            bitmap = (bitmap & (type(uint256).max / 5)) + ((bitmap >> 2) & (type(uint256).max / 5));
            bitmap = (bitmap + (bitmap >> 4)) & (type(uint256).max / 17);
            return (bitmap * (type(uint256).max / 255)) >> 248;
        }
    }
}

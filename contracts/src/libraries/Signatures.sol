// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures of 65 bytes: r, s, v
library Signatures {
    uint256 internal constant SIGNATURE_BYTES = 65;
    /// What v is above the parity of the nonce point: 27 in Ethereum, 0 in dstack.
    uint8 internal constant ETHEREUM_V = 27;
    uint8 internal constant DSTACK_V = 0;

    /// @notice Whose signature over `messageHash` this is; zero, which is nobody, if it is
    /// malformed, has a high s or another v.
    function signerOf(bytes32 messageHash, bytes calldata signature, uint8 vOrigin)
        internal
        pure
        returns (address signer)
    {
        if (signature.length != SIGNATURE_BYTES) return address(0);
        uint8 v = uint8(signature[64]);
        if (v != vOrigin && v != vOrigin + 1) return address(0);
        (signer,,) = ECDSA.tryRecover(
            messageHash,
            v - vOrigin + ETHEREUM_V,
            bytes32(signature[:32]),
            bytes32(signature[32:64])
        );
    }
}

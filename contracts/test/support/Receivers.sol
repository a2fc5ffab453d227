// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {IDstackMembershipNFT} from "../../src/interfaces/IDstackMembershipNFT.sol";

/// @notice Mints again from within its own minting.
contract ReenteringReceiver is IERC721Receiver {
    IDstackMembershipNFT private immutable NFT;
    bool private immutable NAMED;

    constructor(IDstackMembershipNFT nft, bool named) {
        NFT = nft;
        NAMED = named;
    }

    function onERC721Received(address, address, uint256, bytes calldata)
        external
        returns (bytes4)
    {
        if (NAMED) NFT.mintNodeAccess{value: 0.01 ether}(address(this), "again");
        else NFT.mint{value: 0.01 ether}(address(this));
        return IERC721Receiver.onERC721Received.selector;
    }

    receive() external payable {}
}

/// @notice Passes a token on from within its arrival.
contract PassingReceiver is IERC721Receiver {
    address private immutable NEXT;

    constructor(address next) {
        NEXT = next;
    }

    function onERC721Received(address, address, uint256 tokenId, bytes calldata)
        external
        returns (bytes4)
    {
        IDstackMembershipNFT(msg.sender).transferFrom(address(this), NEXT, tokenId);
        return IERC721Receiver.onERC721Received.selector;
    }
}

/// @notice An owner that wants its money twice.
contract ReenteringOwner {
    IDstackMembershipNFT private _nft;

    function withdrawFrom(IDstackMembershipNFT nft) external {
        _nft = nft;
        nft.withdraw(payable(address(this)));
    }

    receive() external payable {
        _nft.withdraw(payable(address(this)));
    }
}

/// @notice Takes neither tokens nor money.
contract Refuser {}

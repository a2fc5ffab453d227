// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {INodeAccess} from "./interfaces/INodeAccess.sol";

/// @title Tokens that admit nodes
/// @notice A token changes hands only while no node is registered with it: a membership must not.
abstract contract NodeAccess is ERC721, Ownable2Step, ReentrancyGuardTransient, INodeAccess {
    /// @dev What the contract knows of a token. `seat` is the slot of its node plus 1; 0: none.
    struct Token {
        address nodeWallet;
        uint16 seat;
        bool revoked;
        bytes20 instanceId;
    }

    /// @dev What it knows of a wallet; one slot. `tokenId` is the token it is, or was last,
    /// registered with, `tokenHint` one it may find itself named by.
    struct Wallet {
        uint64 tokenId;
        uint64 tokenHint;
        uint16 seat;
        bool revoked;
    }

    /// @dev What it knows of an instance; one slot. `tokenId` is the token that stands for it.
    struct Instance {
        uint64 tokenId;
        uint16 seat;
        bool revoked;
    }

    uint256 internal constant NODE_NAME_BYTES_MAX = 64;

    /// @dev One slot: 12 + 8 + 8 + 1 bytes.
    uint96 private _mintPrice;
    uint64 private immutable _MAX_NODES;
    uint64 private _lastTokenId;
    bool private _publicMinting;

    mapping(uint256 tokenId => Token) internal _tokens;
    mapping(address wallet => Wallet) internal _wallets;
    mapping(bytes20 instanceId => Instance) internal _instances;

    constructor(uint64 maxNodes_, uint96 mintPrice_) {
        _MAX_NODES = maxNodes_;
        _mintPrice = mintPrice_;
    }

    /// @inheritdoc INodeAccess
    function mint(address to) external payable nonReentrant returns (uint256 tokenId) {
        return _mintNodeAccess(to, "");
    }

    /// @inheritdoc INodeAccess
    function mintNodeAccess(address to, string calldata name)
        external
        payable
        nonReentrant
        returns (uint256 tokenId)
    {
        return _mintNodeAccess(to, name);
    }

    /// @inheritdoc INodeAccess
    function assign(uint256 tokenId, address nodeWallet) external {
        _requireIdleAndHeld(tokenId);

        _tokens[tokenId].nodeWallet = nodeWallet;
        _hint(nodeWalletOf(tokenId), tokenId);
        emit NodeWalletAssigned(tokenId, nodeWallet);
    }

    /// @inheritdoc INodeAccess
    function assignInstance(uint256 tokenId, bytes20 instanceId) external {
        _requireIdleAndHeld(tokenId);
        require(!_instances[instanceId].revoked, InstanceRevoked(instanceId));
        uint256 holder = tokenOfInstance(instanceId);
        require(holder == 0 || holder == tokenId, InstanceInUse(instanceId));

        _claimInstance(tokenId, instanceId);
        emit InstanceAssigned(tokenId, instanceId);
    }

    /// @inheritdoc INodeAccess
    function setMinting(bool open, uint96 price) external onlyOwner {
        _publicMinting = open;
        _mintPrice = price;
        emit MintingSet(open, price);
    }

    /// @inheritdoc INodeAccess
    function withdraw(address payable to) external onlyOwner nonReentrant {
        require(to != address(0), ZeroAddress());
        uint256 amount = address(this).balance;

        emit Withdrawn(to, amount);

        (bool paid,) = to.call{value: amount}("");
        require(paid, WithdrawalFailed(to, amount));
    }

    /// @inheritdoc INodeAccess
    function tokenFor(address wallet) external view returns (uint256 tokenId) {
        Wallet storage known = _wallets[wallet];
        if (known.seat != 0) return known.tokenId;
        return _serves(known.tokenHint, wallet) ? known.tokenHint : 0;
    }

    /// @inheritdoc INodeAccess
    function isRevoked(uint256 tokenId) external view returns (bool) {
        return _tokens[tokenId].revoked;
    }

    /// @inheritdoc INodeAccess
    function totalMinted() external view returns (uint256) {
        return _lastTokenId;
    }

    /// @inheritdoc INodeAccess
    function maxNodes() external view returns (uint256) {
        return _MAX_NODES;
    }

    /// @inheritdoc INodeAccess
    function mintPrice() external view returns (uint256) {
        return _mintPrice;
    }

    /// @inheritdoc INodeAccess
    function publicMinting() external view returns (bool) {
        return _publicMinting;
    }

    /// @notice Always empty: what there is to know of a token is here, not at a URL.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return "";
    }

    /// @inheritdoc INodeAccess
    function nodeWalletOf(uint256 tokenId) public view returns (address) {
        address holder = _requireOwned(tokenId);
        address assigned = _tokens[tokenId].nodeWallet;
        return assigned == address(0) ? holder : assigned;
    }

    /// @inheritdoc INodeAccess
    function tokenOfInstance(bytes20 instanceId) public view returns (uint256 tokenId) {
        Instance storage instance = _instances[instanceId];
        if (instance.revoked || _tokens[instance.tokenId].revoked) return 0;
        return instance.tokenId;
    }

    /// @dev Lets the token stand for the instance, and for no other; zero: for none at all.
    function _claimInstance(uint256 tokenId, bytes20 instanceId) internal {
        Token storage token = _tokens[tokenId];
        bytes20 formerId = token.instanceId;
        // A registration may have taken the former instance over for another token.
        if (_instances[formerId].tokenId == tokenId) delete _instances[formerId].tokenId;
        token.instanceId = instanceId;
        // Casts of token ids hold: at most maxNodes, a uint64, are minted.
        if (instanceId != 0) _instances[instanceId].tokenId = uint64(tokenId);
    }

    /// @inheritdoc ERC721
    function _update(address to, uint256 tokenId, address auth)
        internal
        override
        returns (address from)
    {
        require(_tokens[tokenId].seat == 0, TokenInUse(tokenId));

        _claimInstance(tokenId, 0);
        delete _tokens[tokenId].nodeWallet;
        from = super._update(to, tokenId, auth);
        _hint(to, tokenId);
    }

    function _mintNodeAccess(address to, string memory name) private returns (uint256 tokenId) {
        if (msg.sender == owner()) {
            require(msg.value == 0, WrongPayment(msg.value, 0));
        } else {
            require(_publicMinting, MintingNotPublic(msg.sender));
            require(msg.value == _mintPrice, WrongPayment(msg.value, _mintPrice));
        }
        require(_lastTokenId < _MAX_NODES, MaxNodesReached(_MAX_NODES));
        uint256 length = bytes(name).length;
        require(length <= NODE_NAME_BYTES_MAX, NodeNameTooLong(length, NODE_NAME_BYTES_MAX));

        tokenId = ++_lastTokenId;
        emit NodeAccessMinted(tokenId, to, name);

        _safeMint(to, tokenId);
    }

    /// @dev Keeps the first hint that still serves, so that nobody can hide a wallet's own token
    /// from it by assigning it another.
    function _hint(address wallet, uint256 tokenId) private {
        Wallet storage known = _wallets[wallet];
        if (!_serves(known.tokenHint, wallet)) known.tokenHint = uint64(tokenId);
    }

    function _serves(uint256 tokenId, address wallet) private view returns (bool) {
        Token storage token = _tokens[tokenId];
        return tokenId != 0 && !token.revoked && token.seat == 0 && nodeWalletOf(tokenId) == wallet;
    }

    function _requireIdleAndHeld(uint256 tokenId) private view {
        require(_requireOwned(tokenId) == msg.sender, NotTokenHolder(tokenId, msg.sender));
        require(_tokens[tokenId].seat == 0, TokenInUse(tokenId));
    }
}

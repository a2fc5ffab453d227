// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Tokens that admit nodes
/// @notice One ERC-721 token admits one node. Its holder is the node's operator; the node itself
/// acts from a wallet of its own, which the holder assigns.
interface INodeAccess {
    /// @notice A token was minted. `name` is what its operator calls the node, and may be empty.
    event NodeAccessMinted(uint256 indexed tokenId, address indexed to, string name);
    /// @notice `nodeWallet` may register with the token; zero gives that right back to the holder.
    /// A transfer has the same effect without this event.
    event NodeWalletAssigned(uint256 indexed tokenId, address indexed nodeWallet);
    /// @notice The instance is the one that the token stands for; zero: none. A transfer has the
    /// latter effect without this event.
    event InstanceAssigned(uint256 indexed tokenId, bytes20 indexed instanceId);
    /// @notice Whether anyone may mint, and at what price in wei.
    event MintingSet(bool publicMinting, uint256 mintPrice);
    /// @notice The price of minted tokens was paid out.
    event Withdrawn(address indexed to, uint256 amount);

    /// @notice Only the owner mints while minting is not public.
    error MintingNotPublic(address caller);
    /// @notice A minted token costs exactly `expected` wei; the owner pays nothing.
    error WrongPayment(uint256 paid, uint256 expected);
    /// @notice All tokens that may ever exist have been minted.
    error MaxNodesReached(uint256 maxNodes);
    /// @notice A node's name has at most `lengthMax` bytes.
    error NodeNameTooLong(uint256 length, uint256 lengthMax);
    /// @notice This is for the token's holder alone.
    error NotTokenHolder(uint256 tokenId, address caller);
    /// @notice The token's node is registered: it must leave first.
    error TokenInUse(uint256 tokenId);
    /// @notice The token was revoked.
    error TokenRevoked(uint256 tokenId);
    /// @notice Another live token stands for this instance, or it is registered.
    error InstanceInUse(bytes20 instanceId);
    /// @notice The instance belonged to a revoked member.
    error InstanceRevoked(bytes20 instanceId);
    /// @notice The receiver did not take the money.
    error WithdrawalFailed(address to, uint256 amount);
    /// @notice An address was zero where it must not be.
    error ZeroAddress();

    /// @notice Mints a token without a name for its node.
    /// @dev For the owner free of charge; for others at `mintPrice` once minting is public.
    /// @return tokenId from 1 upwards
    function mint(address to) external payable returns (uint256 tokenId);

    /// @notice Mints a token whose node is called `name`, at most 64 bytes. The name is for people:
    /// it is in the event and nowhere else.
    /// @return tokenId from 1 upwards
    function mintNodeAccess(address to, string calldata name)
        external
        payable
        returns (uint256 tokenId);

    /// @notice Lets `nodeWallet` register with the token; zero takes that back. For its holder,
    /// while no node is registered with it.
    function assign(uint256 tokenId, address nodeWallet) external;

    /// @notice Says for which dstack instance the token stands, so that the KMS gives that instance
    /// its keys while instances are gated; zero: none. For its holder, while no node is registered
    /// with it. A registration, being proved, takes the instance over from a mere assignment.
    function assignInstance(uint256 tokenId, bytes20 instanceId) external;

    /// @notice Opens or closes minting to all, and sets the price in wei. For the owner.
    function setMinting(bool open, uint96 price) external;

    /// @notice Pays out what minting has brought in. For the owner.
    function withdraw(address payable to) external;

    /// @notice The wallet that may register with the token: the assigned one, else the holder.
    function nodeWalletOf(uint256 tokenId) external view returns (address);

    /// @notice The token a node finds for its wallet: the one it is registered with, else one
    /// assigned to it or held by it with which it may register; 0 if none is known.
    /// @dev A convenience. A wallet that several tokens name is shown the first that still serves;
    /// the holder makes another one known by assigning it.
    function tokenFor(address wallet) external view returns (uint256 tokenId);

    /// @notice Whether the token was revoked.
    function isRevoked(uint256 tokenId) external view returns (bool);

    /// @notice The live token that stands for the instance, 0 if none.
    function tokenOfInstance(bytes20 instanceId) external view returns (uint256 tokenId);

    /// @notice How many tokens have been minted.
    function totalMinted() external view returns (uint256);

    /// @notice How many tokens may ever be minted.
    function maxNodes() external view returns (uint256);

    /// @notice What a token costs once minting is public, in wei.
    function mintPrice() external view returns (uint256);

    /// @notice Whether anyone may mint.
    function publicMinting() external view returns (bool);
}

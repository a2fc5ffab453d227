// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What a registration must prove and where its endpoint may be
interface IRegistrationPolicy {
    /// @notice Keys that this KMS root signed are accepted from now on, and no others.
    event KmsRootSet(address indexed kmsRoot);
    /// @notice Keys of this app are accepted from now on, and no others.
    event AppIdSet(address indexed appId);
    /// @notice Endpoints may lie under this domain.
    event BaseDomainAdded(string domain);
    /// @notice New endpoints may no longer lie under this domain.
    event BaseDomainRemoved(string domain);

    /// @notice The domain is listed already.
    error BaseDomainListed(string domain);
    /// @notice The domain is not listed.
    error BaseDomainNotListed(string domain);
    /// @notice A domain is made of lower-case letters, digits, dots and hyphens.
    error InvalidBaseDomain(string domain);
    /// @notice An endpoint has at least 1 and at most `lengthMax` bytes.
    error InvalidEndpointLength(uint256 length, uint256 lengthMax);
    /// @notice An endpoint holds a byte other than visible ASCII, or an at sign or a backslash.
    error InvalidEndpointCharacter(uint256 position);
    /// @notice An endpoint is `http://` or `https://` and a lower-case host, then optionally a port
    /// and a path.
    error InvalidEndpoint(string endpoint);
    /// @notice Base domains are listed, so the endpoint must be `https://` under one of them.
    error EndpointNotAllowed(string endpoint);

    /// @notice Accepts keys of another KMS root from now on. Those registered stay. For the owner.
    function setKmsRoot(address newKmsRoot) external;

    /// @notice Accepts keys of another app from now on. Those registered stay. For the owner.
    function setAppId(address newAppId) external;

    /// @notice Lists a domain. Once one is listed, endpoints must be https under a listed one;
    /// those already registered stay as they are. For the owner.
    function addBaseDomain(string calldata domain) external;

    /// @notice Takes a domain off the list. For the owner.
    function removeBaseDomain(string calldata domain) external;

    /// @notice Address of the KMS root's key.
    function kmsRoot() external view returns (address);

    /// @notice The app whose keys are accepted, as dstack writes it: the address of its contract.
    function appId() external view returns (address);

    /// @notice Whether the domain is listed.
    function isBaseDomain(string calldata domain) external view returns (bool);

    /// @notice How many domains are listed.
    function baseDomainCount() external view returns (uint256);
}

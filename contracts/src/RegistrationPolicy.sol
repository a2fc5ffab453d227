// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {INodeAccess} from "./interfaces/INodeAccess.sol";
import {IRegistrationPolicy} from "./interfaces/IRegistrationPolicy.sol";
import {Endpoints} from "./libraries/Endpoints.sol";

/// @title What a registration must prove and where its endpoint may be
abstract contract RegistrationPolicy is Ownable2Step, IRegistrationPolicy {
    /// @inheritdoc IRegistrationPolicy
    address public kmsRoot;
    /// @inheritdoc IRegistrationPolicy
    address public appId;
    /// @inheritdoc IRegistrationPolicy
    uint256 public baseDomainCount;
    mapping(bytes32 domainHash => bool listed) private _baseDomains;

    constructor(address kmsRoot_) {
        _setKmsRoot(kmsRoot_);
        _setAppId(address(this));
    }

    /// @inheritdoc IRegistrationPolicy
    function setKmsRoot(address newKmsRoot) external onlyOwner {
        _setKmsRoot(newKmsRoot);
    }

    /// @inheritdoc IRegistrationPolicy
    function setAppId(address newAppId) external onlyOwner {
        _setAppId(newAppId);
    }

    /// @inheritdoc IRegistrationPolicy
    function addBaseDomain(string calldata domain) external onlyOwner {
        bytes32 domainHash = keccak256(bytes(domain));
        require(Endpoints.isDomain(bytes(domain)), InvalidBaseDomain(domain));
        require(!_baseDomains[domainHash], BaseDomainListed(domain));

        _baseDomains[domainHash] = true;
        ++baseDomainCount;
        emit BaseDomainAdded(domain);
    }

    /// @inheritdoc IRegistrationPolicy
    function removeBaseDomain(string calldata domain) external onlyOwner {
        bytes32 domainHash = keccak256(bytes(domain));
        require(_baseDomains[domainHash], BaseDomainNotListed(domain));

        delete _baseDomains[domainHash];
        --baseDomainCount;
        emit BaseDomainRemoved(domain);
    }

    /// @inheritdoc IRegistrationPolicy
    function isBaseDomain(string calldata domain) external view returns (bool) {
        return _baseDomains[keccak256(bytes(domain))];
    }

    /// @dev For the URL that clients use.
    function _requireEndpoint(string calldata endpoint) internal view {
        _requireText(endpoint);
        (bool secure, bytes calldata host) = Endpoints.hostOf(bytes(endpoint));
        require(host.length != 0, InvalidEndpoint(endpoint));
        if (baseDomainCount == 0) return;
        require(secure && _isUnderBaseDomain(host), EndpointNotAllowed(endpoint));
    }

    /// @dev For the address that members dial. Its host is not restricted: members authenticate
    /// each other by their pinned keys wherever they are.
    function _requirePeerEndpoint(string calldata peerEndpoint) internal pure {
        _requireText(peerEndpoint);
    }

    function _setKmsRoot(address newKmsRoot) private {
        require(newKmsRoot != address(0), INodeAccess.ZeroAddress());

        kmsRoot = newKmsRoot;
        emit KmsRootSet(newKmsRoot);
    }

    function _setAppId(address newAppId) private {
        require(newAppId != address(0), INodeAccess.ZeroAddress());

        appId = newAppId;
        emit AppIdSet(newAppId);
    }

    function _requireText(string calldata text) private pure {
        uint256 length = bytes(text).length;
        require(
            length != 0 && length <= Endpoints.ENDPOINT_BYTES_MAX,
            InvalidEndpointLength(length, Endpoints.ENDPOINT_BYTES_MAX)
        );
        uint256 position = Endpoints.firstForbidden(bytes(text));
        require(position == length, InvalidEndpointCharacter(position));
    }

    /// @dev The host itself, or what follows any of its dots, is listed.
    function _isUnderBaseDomain(bytes calldata host) private view returns (bool) {
        if (_baseDomains[keccak256(host)]) return true;
        for (uint256 i = 0; i < host.length; ++i) {
            if (host[i] == "." && _baseDomains[keccak256(host[i + 1:])]) return true;
        }
        return false;
    }
}

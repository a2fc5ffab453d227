// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The shape of endpoints and domains
/// @notice Strict, because a URL that two readers split differently is how a foreign host passes
/// for a listed one. A host is lower-case letters, digits, dots and hyphens, and ends with the
/// endpoint, its port or its path; and no endpoint holds an at sign or a backslash, which would
/// move the host elsewhere.
library Endpoints {
    uint256 internal constant ENDPOINT_BYTES_MAX = 256;

    /// @notice Position of the first byte that no endpoint may hold, or the length: anything but
    /// visible ASCII, and the two bytes named above.
    function firstForbidden(bytes calldata text) internal pure returns (uint256 position) {
        while (position < text.length && _isAllowed(text[position])) ++position;
    }

    /// @notice Whether it is made of bytes that a host may have.
    function isDomain(bytes calldata domain) internal pure returns (bool) {
        return domain.length != 0 && _hostEnd(domain, 0) == domain.length;
    }

    /// @notice The host of a URL; empty if it is not http or https and a host, then perhaps a port
    /// and a path.
    /// @return secure whether it is https
    function hostOf(bytes calldata endpoint)
        internal
        pure
        returns (bool secure, bytes calldata host)
    {
        // A conversion to fewer bytes takes the first ones, and pads if there are none.
        secure = bytes8(endpoint) == "https://";
        uint256 start = secure ? 8 : bytes7(endpoint) == "http://" ? 7 : endpoint.length;
        uint256 end = _hostEnd(endpoint, start);
        bool ends = end == endpoint.length || endpoint[end] == ":" || endpoint[end] == "/";
        host = endpoint[start:ends ? end : start];
    }

    function _hostEnd(bytes calldata text, uint256 start) private pure returns (uint256 end) {
        end = start;
        while (end < text.length && _isHostByte(text[end])) ++end;
    }

    function _isHostByte(bytes1 character) private pure returns (bool) {
        return (character >= "a" && character <= "z") || (character >= "0" && character <= "9")
            || character == "." || character == "-";
    }

    function _isAllowed(bytes1 character) private pure returns (bool) {
        return character > 0x20 && character < 0x7f && character != "@" && character != "\\";
    }
}

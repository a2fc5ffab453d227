// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../src/interfaces/IRoster.sol";
import {IRegistrationPolicy} from "../src/interfaces/IRegistrationPolicy.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract EndpointsTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        mintAndRegister(0);
    }

    function test_update_refusesANonMember() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, STRANGER));
        nft.update("https://a.example");
    }

    function test_update_refusesWhatIsNotAPlainUrl() public {
        string[13] memory endpoints = [
            "https://",
            "http://",
            "HTTPS://a.example",
            "ftp://a.example",
            "a.example",
            "https:/a.example",
            "https://A.example",
            "https://a_b.example",
            "https://%61.example",
            "https://a.example?q",
            "https://a.example#f",
            "https://[::1]:80",
            "https:///a.example"
        ];
        for (uint256 i = 0; i < endpoints.length; ++i) {
            expectRefusal(
                endpoints[i],
                abi.encodeWithSelector(IRegistrationPolicy.InvalidEndpoint.selector, endpoints[i])
            );
        }
    }

    function test_update_refusesBytesThatCouldMoveTheHost() public {
        expectRefusal("https://a.example:443@evil.example", forbidden(21));
        expectRefusal("https://a.example\\.evil.example", forbidden(17));
        expectRefusal("https://a.example /", forbidden(17));
        expectRefusal("https://a.example/\n", forbidden(18));
        expectRefusal(unicode"https://a.example/ä", forbidden(18));
        expectRefusal("\x7f", forbidden(0));
    }

    function test_update_refusesEmptyAndOverlong() public {
        expectRefusal("", badLength(0));
        expectRefusal(urlOf(257), badLength(257));
        update(urlOf(256));
    }

    function test_update_acceptsHostsPortsAndPaths() public {
        string[6] memory endpoints = [
            "http://127.0.0.1:8081",
            "http://localhost",
            "https://a-1.b.example",
            "https://a.example:8443/",
            "https://a.example/path?query=1#fragment",
            "http://node1:1/x"
        ];
        for (uint256 i = 0; i < endpoints.length; ++i) {
            vm.expectEmit(address(nft));
            emit IRoster.EndpointUpdated(0, 0, endpoints[i]);
            update(endpoints[i]);
            assertEq(nft.cluster().members[0].endpoint, endpoints[i]);
        }
    }

    function test_update_needsHttpsUnderABaseDomainOnceOneIsListed() public {
        addBaseDomain("cluster.example");
        string[8] memory endpoints = [
            "http://cluster.example",
            "http://a.cluster.example",
            "https://evil.example",
            "https://evilcluster.example",
            "https://cluster.example.evil.example",
            "https://evil.example/.cluster.example",
            "https://evil.example:1/cluster.example",
            "https://example"
        ];
        for (uint256 i = 0; i < endpoints.length; ++i) {
            expectRefusal(
                endpoints[i],
                abi.encodeWithSelector(
                    IRegistrationPolicy.EndpointNotAllowed.selector, endpoints[i]
                )
            );
        }
        update("https://cluster.example");
        update("https://a.cluster.example:8443/x");
        update("https://a.b.c.cluster.example");
    }

    function test_update_leavesPeersAndFormerEndpointsAloneWhenADomainIsListed() public {
        addBaseDomain("cluster.example");
        assertEq(nft.cluster().members[0].endpoint, recordOf(0).endpoint);
        vm.prank(wallets(0));
        nft.updatePeerEndpoint("10.0.0.1:9000");
    }

    function test_update_isFreeAgainOnceNoDomainIsListed() public {
        addBaseDomain("a.example");
        addBaseDomain("b.example");
        vm.prank(OWNER);
        nft.removeBaseDomain("a.example");
        expectRefusal(
            "https://a.example",
            abi.encodeWithSelector(
                IRegistrationPolicy.EndpointNotAllowed.selector, "https://a.example"
            )
        );
        vm.prank(OWNER);
        nft.removeBaseDomain("b.example");
        update("http://anywhere");
    }

    function test_updatePeerEndpoint_refusesANonMember() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, STRANGER));
        nft.updatePeerEndpoint("a:1");
    }

    function test_updatePeerEndpoint_refusesEmptyOverlongAndInvisible() public {
        vm.startPrank(wallets(0));
        vm.expectRevert(badLength(0));
        nft.updatePeerEndpoint("");
        vm.expectRevert(badLength(257));
        nft.updatePeerEndpoint(string(new bytes(257)));
        vm.expectRevert(forbidden(1));
        nft.updatePeerEndpoint("a b:1");
    }

    function test_updatePeerEndpoint_tellsMembersTheNewAddress() public {
        vm.expectEmit(address(nft));
        emit IRoster.PeerEndpointUpdated(0, 0, "[fd00::1]:9081");
        vm.prank(wallets(0));
        nft.updatePeerEndpoint("[fd00::1]:9081");
        assertEq(nft.cluster().members[0].peerEndpoint, "[fd00::1]:9081");
    }

    function test_baseDomains_areForTheOwner() public {
        bytes memory reason =
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.startPrank(STRANGER);
        vm.expectRevert(reason);
        nft.addBaseDomain("a.example");
        vm.expectRevert(reason);
        nft.removeBaseDomain("a.example");
    }

    function test_addBaseDomain_refusesWhatIsNoDomain() public {
        string[4] memory domains = ["", "A.example", "https://a.example", "a.example/"];
        vm.startPrank(OWNER);
        for (uint256 i = 0; i < domains.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IRegistrationPolicy.InvalidBaseDomain.selector, domains[i])
            );
            nft.addBaseDomain(domains[i]);
        }
    }

    function test_addBaseDomain_refusesOneThatIsListed() public {
        addBaseDomain("a.example");
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistrationPolicy.BaseDomainListed.selector, "a.example")
        );
        nft.addBaseDomain("a.example");
    }

    function test_removeBaseDomain_refusesOneThatIsNot() public {
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistrationPolicy.BaseDomainNotListed.selector, "a.example")
        );
        nft.removeBaseDomain("a.example");
    }

    function test_baseDomains_areCountedAndAnnounced() public {
        vm.expectEmit(address(nft));
        emit IRegistrationPolicy.BaseDomainAdded("a.example");
        addBaseDomain("a.example");
        assertTrue(nft.isBaseDomain("a.example"));
        assertEq(nft.baseDomainCount(), 1);

        vm.expectEmit(address(nft));
        emit IRegistrationPolicy.BaseDomainRemoved("a.example");
        vm.prank(OWNER);
        nft.removeBaseDomain("a.example");
        assertFalse(nft.isBaseDomain("a.example"));
        assertEq(nft.baseDomainCount(), 0);
    }

    /// @notice Whatever comes before and after: only a host that ends in the domain gets in.
    function testFuzz_neverAcceptsAForeignHost(bytes memory noise) public {
        addBaseDomain("cluster.example");
        vm.assume(noise.length < 200);
        string memory endpoint = string.concat("https://evil.test", string(noise));
        vm.assume(!endsInDomain(bytes(endpoint)));
        vm.prank(wallets(0));
        vm.expectRevert();
        nft.update(endpoint);
    }

    function endsInDomain(bytes memory endpoint) private pure returns (bool) {
        bytes memory domain = ".cluster.example";
        for (uint256 i = 8; i + domain.length <= endpoint.length; ++i) {
            uint256 matching = 0;
            while (matching < domain.length && endpoint[i + matching] == domain[matching]) {
                ++matching;
            }
            if (matching == domain.length) return true;
        }
        return false;
    }

    function urlOf(uint256 length) private pure returns (string memory url) {
        url = "https://a.example/";
        while (bytes(url).length < length) url = string.concat(url, "x");
    }

    function addBaseDomain(string memory domain) private {
        vm.prank(OWNER);
        nft.addBaseDomain(domain);
    }

    function update(string memory endpoint) private {
        vm.prank(wallets(0));
        nft.update(endpoint);
    }

    function expectRefusal(string memory endpoint, bytes memory reason) private {
        vm.prank(wallets(0));
        vm.expectRevert(reason);
        nft.update(endpoint);
    }

    function forbidden(uint256 position) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IRegistrationPolicy.InvalidEndpointCharacter.selector, position);
    }

    function badLength(uint256 length) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IRegistrationPolicy.InvalidEndpointLength.selector, length, 256);
    }
}

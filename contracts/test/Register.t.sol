// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../src/interfaces/IRoster.sol";
import {IRegistrationPolicy} from "../src/interfaces/IRegistrationPolicy.sol";
import {INodeAccess} from "../src/interfaces/INodeAccess.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {
    ClusterView,
    KeyProof,
    Member,
    NodeRecord,
    NodeStanding,
    TermReason
} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract RegisterTest is ClusterTest {
    function test_refusesATokenThatDoesNotExist() public {
        expectRefusal(
            0,
            7,
            recordOf(0),
            abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7)
        );
    }

    function test_refusesSomeoneElsesToken() public {
        uint256 tokenId = mintTo(wallets(1));
        expectRefusal(
            0,
            tokenId,
            recordOf(0),
            abi.encodeWithSelector(IRoster.NotNodeWallet.selector, tokenId, wallets(0), wallets(1))
        );
    }

    function test_refusesTheHolderOnceItAssignedTheToken() public {
        uint256 tokenId = mintTo(wallets(0));
        vm.prank(wallets(0));
        nft.assign(tokenId, wallets(1));

        expectRefusal(
            0,
            tokenId,
            recordOf(0),
            abi.encodeWithSelector(IRoster.NotNodeWallet.selector, tokenId, wallets(0), wallets(1))
        );
    }

    function test_refusesATokenInUse() public {
        uint256 tokenId = mintAndRegister(0);
        expectRefusal(
            0,
            tokenId,
            recordOf(0),
            abi.encodeWithSelector(INodeAccess.TokenInUse.selector, tokenId)
        );
    }

    function test_refusesARevokedToken() public {
        uint256 tokenId = mintTo(wallets(0));
        vm.prank(OWNER);
        nft.revoke(tokenId);

        expectRefusal(
            0,
            tokenId,
            recordOf(0),
            abi.encodeWithSelector(INodeAccess.TokenRevoked.selector, tokenId)
        );
    }

    function test_refusesAWalletInUse() public {
        mintAndRegister(0);
        uint256 second = mintTo(wallets(0));
        expectRefusal(
            0,
            second,
            recordOf(1),
            abi.encodeWithSelector(IRoster.WalletInUse.selector, wallets(0))
        );
    }

    function test_refusesARevokedMembersWalletWithAnotherToken() public {
        uint256 first = mintAndRegister(0);
        vm.prank(OWNER);
        nft.revoke(first);
        uint256 second = mintTo(wallets(0));

        expectRefusal(
            0,
            second,
            recordOf(1),
            abi.encodeWithSelector(IRoster.WalletRevoked.selector, wallets(0))
        );
    }

    function test_refusesAnInstanceInUse() public {
        mintAndRegister(0);
        uint256 tokenId = mintTo(wallets(1));
        expectRefusal(
            1,
            tokenId,
            recordOf(0),
            abi.encodeWithSelector(INodeAccess.InstanceInUse.selector, instanceOf(0))
        );
    }

    function test_refusesARevokedMembersInstanceWithAnotherTokenAndWallet() public {
        uint256 first = mintAndRegister(0);
        vm.prank(OWNER);
        nft.revoke(first);
        uint256 tokenId = mintTo(wallets(1));

        expectRefusal(
            1,
            tokenId,
            recordOf(0),
            abi.encodeWithSelector(INodeAccess.InstanceRevoked.selector, instanceOf(0))
        );
    }

    function test_refusesZeroAsInstance() public {
        uint256 tokenId = mintTo(wallets(0));
        NodeRecord memory record = recordOf(0);
        record.instanceId = 0;
        expectRefusal(0, tokenId, record, abi.encodeWithSelector(IRoster.ZeroInstanceId.selector));
    }

    function test_refusesZeroAsBootKey() public {
        uint256 tokenId = mintTo(wallets(0));
        NodeRecord memory record = recordOf(0);
        record.bootKey = 0;
        expectRefusal(0, tokenId, record, abi.encodeWithSelector(IRoster.ZeroBootKey.selector));
    }

    function test_refusesABadEndpoint() public {
        uint256 tokenId = mintTo(wallets(0));
        NodeRecord memory record = recordOf(0);
        record.endpoint = "ftp://127.0.0.1";
        expectRefusal(
            0,
            tokenId,
            record,
            abi.encodeWithSelector(IRegistrationPolicy.InvalidEndpoint.selector, record.endpoint)
        );
    }

    function test_refusesAnEmptyPeerEndpoint() public {
        uint256 tokenId = mintTo(wallets(0));
        NodeRecord memory record = recordOf(0);
        record.peerEndpoint = "";
        expectRefusal(
            0,
            tokenId,
            record,
            abi.encodeWithSelector(IRegistrationPolicy.InvalidEndpointLength.selector, 0, 256)
        );
    }

    function test_refusesANodeWhenAllSlotsAreTaken() public {
        nft = deploy(configuration(1, 256));
        for (uint256 i = 0; i < 256; ++i) {
            mintAndRegister(i);
        }
        uint256 tokenId = mintTo(wallets(256));
        expectRefusal(
            256, tokenId, recordOf(256), abi.encodeWithSelector(IRoster.NoFreeSlot.selector)
        );
    }

    function test_collectsGenesisMembersAndStartsTermOneWithTheLast() public {
        mintAndRegister(0);
        mintAndRegister(1);
        assertStanding(1, NodeStanding.Genesis);
        assertTerm(0, 0);
        assertEq(nft.cluster().members.length, 2);

        uint256 tokenId = mintTo(wallets(2));
        KeyProof memory proof = proofOf(2);
        vm.expectEmit(address(nft));
        emit IRoster.NodeRegistered(0, 2, tokenId, wallets(2), recordOf(2));
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(1, 0, TermReason.Genesis);
        vm.prank(wallets(2));
        nft.register(tokenId, recordOf(2), proof);

        assertTerm(1, 0);
        assertStanding(1, NodeStanding.Active);
        ClusterView memory cluster = nft.cluster();
        assertEq(cluster.coldTerm, 0);
        assertEq(cluster.genesisSize, 3);
        assertEq(cluster.members.length, 3);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(cluster.members[i].slot, i);
            assertEq(cluster.members[i].tokenId, i + 1);
            assertFalse(cluster.members[i].revoked);
            assertFalse(cluster.members[i].departing);
            assertMember(cluster.members[i], i);
        }
    }

    function test_makesALaterNodePendingAndLeavesTheRosterAlone() public {
        startCluster(3);
        mintAndRegister(3);

        assertTerm(1, 0);
        assertEq(nft.cluster().members.length, 3);
        Member[] memory pending = nft.pending();
        assertEq(pending.length, 1);
        assertEq(pending[0].slot, 3);
        assertEq(pending[0].tokenId, 4);
        assertMember(pending[0], 3);
        assertStanding(3, NodeStanding.Pending);
    }

    function test_acceptsAnAssignedWallet() public {
        uint256 tokenId = mintTo(STRANGER);
        vm.prank(STRANGER);
        nft.assign(tokenId, wallets(0));
        register(0, tokenId);

        assertEq(nft.nodeOf(wallets(0)).tokenId, tokenId);
        assertEq(nft.tokenFor(wallets(0)), tokenId);
    }

    function test_takesAnInstanceOverFromATokenThatOnlyClaimedIt() public {
        uint256 claimant = mintTo(STRANGER);
        vm.prank(STRANGER);
        nft.assignInstance(claimant, instanceOf(0));
        uint256 tokenId = mintAndRegister(0);
        assertEq(nft.tokenOfInstance(instanceOf(0)), tokenId);

        // The former claimant can no longer take it down with it.
        vm.prank(STRANGER);
        nft.assignInstance(claimant, bytes20(uint160(1)));
        assertEq(nft.tokenOfInstance(instanceOf(0)), tokenId);
    }

    function test_letsANodeRegisterAgainAfterItLeft() public {
        startCluster(3);
        uint256 tokenId = mintAndRegister(3);
        vm.prank(wallets(3));
        nft.leave();
        register(3, tokenId);
        assertStanding(3, NodeStanding.Pending);
    }

    function test_givesAFreedSlotOnlyAfterAllOthers() public {
        startCluster(3);
        mintAndRegister(3);
        vm.prank(wallets(3));
        nft.leave();
        mintAndRegister(4);
        assertEq(slotOf(4), 4);
    }

    function test_comesBackToFreedSlotsAfterTheLastOne() public {
        nft = deploy(configuration(1, 256));
        for (uint256 i = 0; i < 256; ++i) {
            mintAndRegister(i);
        }
        vm.prank(wallets(7));
        nft.leave();
        mintAndRegister(256);
        assertEq(slotOf(256), 7);
    }

    function expectRefusal(
        uint256 i,
        uint256 tokenId,
        NodeRecord memory record,
        bytes memory reason
    ) private {
        KeyProof memory proof = proofOf(i);
        vm.prank(wallets(i));
        vm.expectRevert(reason);
        nft.register(tokenId, record, proof);
    }
}

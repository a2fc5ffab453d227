// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../src/interfaces/IRoster.sol";
import {INodeAccess} from "../src/interfaces/INodeAccess.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {NodeStanding} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract RevokeTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(3);
    }

    function test_isForTheOwner() public {
        vm.prank(wallets(0));
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, wallets(0))
        );
        nft.revoke(2);
    }

    function test_refusesATokenThatDoesNotExist() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9));
        nft.revoke(9);
    }

    function test_refusesATokenThatIsRevoked() public {
        revoke(2);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(INodeAccess.TokenRevoked.selector, 2));
        nft.revoke(2);
    }

    function test_revokesATokenWithoutANode() public {
        uint256 tokenId = mintTo(STRANGER);
        vm.expectEmit(address(nft));
        emit IRoster.NodeRevoked(1, tokenId, address(0));
        revoke(tokenId);
        assertTrue(nft.isRevoked(tokenId));
        assertEq(nft.tokenFor(STRANGER), 0);
    }

    function test_marksAnActiveMemberButChangesNeitherTermNorLeaderNorRoster() public {
        vm.expectEmit(address(nft));
        emit IRoster.NodeRevoked(1, 2, wallets(1));
        revoke(2);

        assertTerm(1, 0);
        assertEq(nft.quorum(), 2);
        assertEq(nft.cluster().members.length, 3);
        assertTrue(nft.cluster().members[1].revoked);
        assertFalse(nft.cluster().members[2].revoked);
        assertStanding(1, NodeStanding.Revoked);
        assertEq(nft.nodeOf(wallets(1)).slot, 1);
    }

    function test_dropsAPendingNodeForGood() public {
        mintAndRegister(3);
        revoke(4);
        assertEq(nft.pending().length, 0);
        assertStanding(3, NodeStanding.Revoked);
    }

    function test_dropsAGenesisMemberForGood() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        mintAndRegister(1);
        revoke(1);
        assertEq(nft.cluster().members.length, 1);
        mintAndRegister(2);
        mintAndRegister(3);
        assertTerm(1, 1);
    }

    function test_leavesARevokedLeaderInOfficeUntilItIsVotedOut() public {
        revoke(1);
        assertTerm(1, 0);
        vm.prank(wallets(1));
        nft.castVote(1, 1, true);
        vm.prank(wallets(2));
        nft.castVote(1, 1, true);
        assertTerm(2, 1);

        vm.prank(wallets(1));
        nft.remove(2, 0);
        assertTerm(3, 1);
        assertStanding(0, NodeStanding.Revoked);
    }

    function revoke(uint256 tokenId) private {
        vm.prank(OWNER);
        nft.revoke(tokenId);
    }
}

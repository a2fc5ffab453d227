// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../src/interfaces/IRoster.sol";
import {IRegistrationPolicy} from "../src/interfaces/IRegistrationPolicy.sol";
import {INodeAccess} from "../src/interfaces/INodeAccess.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IAppAuth} from "../src/interfaces/IAppAuth.sol";
import {IAppAuthBasicManagement} from "../src/interfaces/IAppAuthBasicManagement.sol";
import {Configuration, Member, NodeStanding} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract DeploymentTest is ClusterTest {
    function test_refusesSizesThatDoNotFitTogether() public {
        expectSizesRefusal(0, 5, 10);
        expectSizesRefusal(6, 5, 10);
        expectSizesRefusal(5, 257, 1000);
        expectSizesRefusal(5, 5, 4);
    }

    function test_refusesNobodyAsOwnerOrKmsRoot() public {
        Configuration memory settings = configuration(1, 1);
        settings.owner = address(0);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        this.deployFor(settings);

        settings = configuration(1, 1);
        settings.kmsRoot = address(0);
        vm.expectRevert(INodeAccess.ZeroAddress.selector);
        this.deployFor(settings);
    }

    function test_startsEmptyAndClosed() public view {
        assertTerm(0, 0);
        assertEq(nft.cluster().members.length, 0);
        assertEq(nft.cluster().genesisSize, 3);
        assertEq(nft.pending().length, 0);
        assertEq(nft.maxMembers(), 256);
        assertEq(nft.totalMinted(), 0);
        assertFalse(nft.publicMinting());
        assertEq(nft.mintPrice(), 0.01 ether);
        assertEq(nft.kmsRoot(), vm.addr(KMS_KEY));
        assertEq(nft.appId(), address(nft));
        assertStanding(0, NodeStanding.None);
    }

    function test_supportsTheInterfacesThatDstackAsksFor() public view {
        assertEq(type(IAppAuth).interfaceId, bytes4(0x1e079198));
        assertEq(type(IAppAuthBasicManagement).interfaceId, bytes4(0x8fd37527));
        assertTrue(nft.supportsInterface(0x1e079198));
        assertTrue(nft.supportsInterface(0x8fd37527));
        assertTrue(nft.supportsInterface(type(IERC721).interfaceId));
        assertTrue(nft.supportsInterface(type(IERC165).interfaceId));
        assertFalse(nft.supportsInterface(0xffffffff));
    }

    function test_setKmsRootAndSetAppId_areForTheOwner() public {
        bytes memory reason =
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.startPrank(STRANGER);
        vm.expectRevert(reason);
        nft.setKmsRoot(STRANGER);
        vm.expectRevert(reason);
        nft.setAppId(STRANGER);
    }

    function test_setKmsRootAndSetAppId_refuseZero() public {
        vm.startPrank(OWNER);
        vm.expectRevert(INodeAccess.ZeroAddress.selector);
        nft.setKmsRoot(address(0));
        vm.expectRevert(INodeAccess.ZeroAddress.selector);
        nft.setAppId(address(0));
    }

    function test_setKmsRootAndSetAppId_announceWhatCounts() public {
        vm.startPrank(OWNER);
        vm.expectEmit(address(nft));
        emit IRegistrationPolicy.KmsRootSet(STRANGER);
        nft.setKmsRoot(STRANGER);
        vm.expectEmit(address(nft));
        emit IRegistrationPolicy.AppIdSet(STRANGER);
        nft.setAppId(STRANGER);
        assertEq(nft.kmsRoot(), STRANGER);
        assertEq(nft.appId(), STRANGER);
    }

    function test_ownershipTakesTwoSteps() public {
        Ownable2Step ownable = Ownable2Step(address(nft));
        vm.prank(OWNER);
        ownable.transferOwnership(STRANGER);
        assertEq(ownable.owner(), OWNER);
        vm.prank(STRANGER);
        ownable.acceptOwnership();
        assertEq(ownable.owner(), STRANGER);
    }

    /// @dev External, so that its revert can be expected.
    function deployFor(Configuration memory settings) external returns (address) {
        return address(deploy(settings));
    }

    function expectSizesRefusal(uint16 genesisSize, uint16 maxMembers, uint64 maxNodes) private {
        Configuration memory settings = configuration(genesisSize, maxMembers);
        settings.maxNodes = maxNodes;
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoster.InvalidSizes.selector, genesisSize, maxMembers, maxNodes
            )
        );
        this.deployFor(settings);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppAuthorization} from "../src/interfaces/IAppAuthorization.sol";
import {IAppAuthBasicManagement} from "../src/interfaces/IAppAuthBasicManagement.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IAppAuth} from "../src/interfaces/IAppAuth.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract IsAppAllowedTest is ClusterTest {
    bytes32 private constant COMPOSE_HASH = keccak256("compose");
    bytes32 private constant DEVICE_ID = keccak256("device");
    bytes32 private constant OS_IMAGE_HASH = keccak256("image");

    function setUp() public override {
        super.setUp();
        vm.startPrank(OWNER);
        nft.addComposeHash(COMPOSE_HASH);
        nft.addDevice(DEVICE_ID);
        vm.stopPrank();
    }

    function test_allowsAnInstanceThatMeetsEverything() public view {
        assertAllowed(bootInfo());
    }

    function test_allowsNothingByDefault() public {
        nft = deploy(configuration(3, 256));
        assertRefused(bootInfo(), "Compose hash not allowed");
        vm.prank(OWNER);
        nft.addComposeHash(COMPOSE_HASH);
        assertRefused(bootInfo(), "Device not allowed");
    }

    function test_refusesAnotherComposeHash() public {
        IAppAuth.AppBootInfo memory info = bootInfo();
        info.composeHash = keccak256("another");
        assertRefused(info, "Compose hash not allowed");

        vm.expectEmit(address(nft));
        emit IAppAuthBasicManagement.ComposeHashRemoved(COMPOSE_HASH);
        vm.prank(OWNER);
        nft.removeComposeHash(COMPOSE_HASH);
        assertFalse(nft.allowedComposeHashes(COMPOSE_HASH));
        assertRefused(bootInfo(), "Compose hash not allowed");
    }

    function test_refusesAnotherDeviceUnlessAnyIsAllowed() public {
        vm.expectEmit(address(nft));
        emit IAppAuthBasicManagement.DeviceRemoved(DEVICE_ID);
        vm.prank(OWNER);
        nft.removeDevice(DEVICE_ID);
        assertFalse(nft.allowedDeviceIds(DEVICE_ID));
        assertRefused(bootInfo(), "Device not allowed");

        vm.expectEmit(address(nft));
        emit IAppAuthorization.AllowAnyDeviceSet(true);
        vm.prank(OWNER);
        nft.setAllowAnyDevice(true);
        assertTrue(nft.allowAnyDevice());
        assertAllowed(bootInfo());
    }

    function test_refusesAnOldTcbOnlyIfRequired() public {
        IAppAuth.AppBootInfo memory info = bootInfo();
        info.tcbStatus = "OutOfDate";
        assertAllowed(info);

        vm.expectEmit(address(nft));
        emit IAppAuthorization.RequireTcbUpToDateSet(true);
        vm.prank(OWNER);
        nft.setRequireTcbUpToDate(true);
        assertTrue(nft.requireTcbUpToDate());
        assertRefused(info, "TCB status is not up to date");
        // As in dstack, this comes first.
        info.composeHash = 0;
        assertRefused(info, "TCB status is not up to date");
        assertAllowed(bootInfo());
    }

    function test_refusesAnotherOsImageOnceOneIsListed() public {
        bytes32 other = keccak256("other image");
        vm.startPrank(OWNER);
        vm.expectEmit(address(nft));
        emit IAppAuthorization.OsImageHashAdded(other);
        nft.addOsImageHash(other);
        nft.addOsImageHash(other);
        assertEq(nft.osImageCount(), 1);
        assertRefused(bootInfo(), "OS image is not allowed");

        nft.addOsImageHash(OS_IMAGE_HASH);
        assertTrue(nft.allowedOsImages(OS_IMAGE_HASH));
        assertAllowed(bootInfo());

        vm.expectEmit(address(nft));
        emit IAppAuthorization.OsImageHashRemoved(OS_IMAGE_HASH);
        nft.removeOsImageHash(OS_IMAGE_HASH);
        nft.removeOsImageHash(OS_IMAGE_HASH);
        assertEq(nft.osImageCount(), 1);
        assertRefused(bootInfo(), "OS image is not allowed");
    }

    function test_gatesInstancesByLiveTokens() public {
        vm.expectEmit(address(nft));
        emit IAppAuthorization.GateInstancesSet(true);
        vm.prank(OWNER);
        nft.setGateInstances(true);
        assertTrue(nft.gateInstances());
        assertRefused(bootInfo(), "Instance not assigned to a live token");

        uint256 tokenId = mintTo(STRANGER);
        vm.startPrank(STRANGER);
        nft.assignInstance(tokenId, instanceOf(0));
        nft.assign(tokenId, wallets(0));
        vm.stopPrank();
        assertAllowed(bootInfo());

        register(0, tokenId);
        assertAllowed(bootInfo());

        // A node that left may boot again: it may also register again.
        vm.prank(wallets(0));
        nft.leave();
        assertAllowed(bootInfo());

        vm.prank(OWNER);
        nft.revoke(tokenId);
        assertRefused(bootInfo(), "Instance not assigned to a live token");
    }

    function test_gatesARevokedMembersInstance() public {
        vm.prank(OWNER);
        nft.setGateInstances(true);
        mintAndRegister(0);
        assertAllowed(bootInfo());
        vm.prank(OWNER);
        nft.revoke(1);
        assertRefused(bootInfo(), "Instance not assigned to a live token");
    }

    function test_gatesAnInstanceWithoutAnId() public {
        vm.prank(OWNER);
        nft.setGateInstances(true);
        IAppAuth.AppBootInfo memory info = bootInfo();
        info.instanceId = address(0);
        assertRefused(info, "Instance not assigned to a live token");
    }

    function test_theListsAreForTheOwner() public {
        bytes[9] memory calls = [
            abi.encodeCall(nft.addComposeHash, (COMPOSE_HASH)),
            abi.encodeCall(nft.removeComposeHash, (COMPOSE_HASH)),
            abi.encodeCall(nft.addDevice, (DEVICE_ID)),
            abi.encodeCall(nft.removeDevice, (DEVICE_ID)),
            abi.encodeCall(nft.setAllowAnyDevice, (true)),
            abi.encodeCall(nft.setRequireTcbUpToDate, (true)),
            abi.encodeCall(nft.setGateInstances, (true)),
            abi.encodeCall(nft.addOsImageHash, (OS_IMAGE_HASH)),
            abi.encodeCall(nft.removeOsImageHash, (OS_IMAGE_HASH))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(STRANGER);
            (bool done, bytes memory reason) = address(nft).call(calls[i]);
            assertFalse(done);
            assertEq(
                reason,
                abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER)
            );
        }
    }

    function test_announcesWhatItAllows() public {
        vm.startPrank(OWNER);
        vm.expectEmit(address(nft));
        emit IAppAuthBasicManagement.ComposeHashAdded(COMPOSE_HASH);
        nft.addComposeHash(COMPOSE_HASH);
        vm.expectEmit(address(nft));
        emit IAppAuthBasicManagement.DeviceAdded(DEVICE_ID);
        nft.addDevice(DEVICE_ID);
    }

    function bootInfo() private view returns (IAppAuth.AppBootInfo memory) {
        return IAppAuth.AppBootInfo({
            appId: address(nft),
            composeHash: COMPOSE_HASH,
            instanceId: address(instanceOf(0)),
            deviceId: DEVICE_ID,
            mrAggregated: keccak256("aggregated"),
            mrSystem: keccak256("system"),
            osImageHash: OS_IMAGE_HASH,
            tcbStatus: "UpToDate",
            advisoryIds: new string[](2)
        });
    }

    function assertAllowed(IAppAuth.AppBootInfo memory info) private view {
        (bool isAllowed, string memory reason) = nft.isAppAllowed(info);
        assertEq(reason, "");
        assertTrue(isAllowed);
    }

    function assertRefused(IAppAuth.AppBootInfo memory info, string memory expected) private view {
        (bool isAllowed, string memory reason) = nft.isAppAllowed(info);
        assertEq(reason, expected);
        assertFalse(isAllowed);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {Member, TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract ColdStartTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(3);
    }

    function test_refusesBeforeTermOne() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        expectRefusal(0, 0, bootKeys(1), abi.encodeWithSelector(ITerms.NotStarted.selector));
    }

    function test_refusesAStaleTerm() public {
        expectRefusal(0, 3, bootKeys(3), abi.encodeWithSelector(ITerms.StaleTerm.selector, 3, 1));
    }

    function test_refusesAnyoneButTheLeader() public {
        expectRefusal(
            1, 1, bootKeys(3), abi.encodeWithSelector(ITerms.NotLeader.selector, wallets(1))
        );
    }

    function test_refusesARevokedLeader() public {
        vm.prank(OWNER);
        nft.revoke(1);
        expectRefusal(0, 1, bootKeys(3), abi.encodeWithSelector(ITerms.MemberRevoked.selector, 0));
    }

    function testFuzz_refusesAnyOtherNumberOfBootKeys(uint8 count) public {
        vm.assume(count != 3);
        expectRefusal(
            0,
            1,
            bootKeys(count),
            abi.encodeWithSelector(ITerms.WrongBootKeyCount.selector, count, 3)
        );
    }

    function test_refusesToNameFewerThanAQuorum() public {
        bytes32[] memory keys = bootKeys(3);
        keys[1] = 0;
        keys[2] = 0;
        expectRefusal(
            0, 1, keys, abi.encodeWithSelector(ITerms.BootKeysBelowQuorum.selector, 1, 2)
        );
    }

    function test_refusesToLeaveTheLeaderUnnamed() public {
        bytes32[] memory keys = bootKeys(3);
        keys[0] = 0;
        expectRefusal(0, 1, keys, abi.encodeWithSelector(ITerms.LeaderBootKeyMissing.selector, 0));
    }

    function test_replacesTheBootKeysUnderTheSameLeader() public {
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(2, 0, TermReason.ColdStart);
        vm.expectEmit(address(nft));
        emit ITerms.ColdStarted(2, bootKeys(3));
        vm.prank(wallets(0));
        nft.coldStart(1, bootKeys(3));

        assertTerm(2, 0);
        assertEq(nft.cluster().coldTerm, 2);
        Member[] memory members = nft.cluster().members;
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(members[i].bootKey, bootKeys(3)[i]);
        }
    }

    function test_mayLeaveAMinorityUnnamed() public {
        bytes32[] memory keys = bootKeys(3);
        keys[1] = 0;
        vm.prank(wallets(0));
        nft.coldStart(1, keys);
        assertEq(nft.cluster().members[1].bootKey, 0);
        assertEq(nft.cluster().members[2].bootKey, keys[2]);
    }

    function test_keepsToTheOrderOfSlotsWhereOneIsMissing() public {
        vm.prank(wallets(0));
        nft.remove(1, 1);
        mintAndRegister(3);
        vm.startPrank(wallets(0));
        nft.admit(2, 3);
        nft.coldStart(3, bootKeys(3));
        vm.stopPrank();
        Member[] memory members = nft.cluster().members;
        assertEq(members[0].slot, 0);
        assertEq(members[1].slot, 2);
        assertEq(members[2].slot, 3);
        assertEq(members[1].bootKey, bootKeys(3)[1]);
        assertEq(members[2].bootKey, bootKeys(3)[2]);
        assertEq(nft.cluster().coldTerm, 4);
    }

    function bootKeys(uint256 count) private pure returns (bytes32[] memory keys) {
        keys = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            keys[i] = keccak256(abi.encode("cold boot", i));
        }
    }

    function expectRefusal(uint256 i, uint64 term, bytes32[] memory keys, bytes memory reason)
        private
    {
        vm.prank(wallets(i));
        vm.expectRevert(reason);
        nft.coldStart(term, keys);
    }
}

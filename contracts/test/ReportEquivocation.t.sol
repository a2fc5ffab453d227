// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {ICheckpoints} from "../src/interfaces/ICheckpoints.sol";
import {Checkpoint, NodeStanding} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract ReportEquivocationTest is ClusterTest {
    Checkpoint private a = Checkpoint(0, 9, keccak256("root a"), keccak256("state"));
    Checkpoint private b = Checkpoint(0, 9, keccak256("root b"), keccak256("state"));

    function setUp() public override {
        super.setUp();
        startCluster(3);
    }

    function test_refusesTwoCheckpointsThatDoNotContradictEachOther() public {
        Checkpoint[4] memory others = [a, a, b, b];
        others[1].stateHash = keccak256("another state");
        others[2].index = 10;
        others[3].coldTerm = 1;
        for (uint256 i = 0; i < others.length; ++i) {
            b = others[i];
            expectRefusal(1, 1, abi.encodeWithSelector(ICheckpoints.NotEquivocation.selector));
        }
    }

    function test_refusesTwoMembersThatDisagree() public {
        expectRefusal(
            1,
            2,
            abi.encodeWithSelector(ICheckpoints.SignersDiffer.selector, wallets(1), wallets(2))
        );
    }

    function test_refusesASignerThatIsNotRegistered() public {
        expectRefusal(7, 7, abi.encodeWithSelector(IRoster.NotRegistered.selector, wallets(7)));
    }

    function test_refusesMalformedSignatures() public {
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotRegistered.selector, address(0)));
        nft.reportEquivocation(a, "", b, new bytes(65));
    }

    function test_refusesASecondReport() public {
        report(1);
        expectRefusal(1, 1, abi.encodeWithSelector(ITerms.MemberRevoked.selector, 1));
    }

    function testFuzz_refusesEvidenceWithAnyBitFlipped(uint256 bitSeed) public {
        bytes memory proof = sign(1, checkpointDigest(b));
        uint256 bit = bound(bitSeed, 0, proof.length * 8 - 1);
        proof[bit / 8] = proof[bit / 8] ^ bytes1(uint8(uint256(1) << (bit % 8)));
        bytes memory genuine = sign(1, checkpointDigest(a));
        vm.expectPartialRevert(ICheckpoints.SignersDiffer.selector);
        nft.reportEquivocation(a, genuine, b, proof);
    }

    function test_revokesTheMemberThatSignedTwoRoots() public {
        vm.expectEmit(address(nft));
        emit ICheckpoints.EquivocationProved(1, 1, 0, 9, wallets(1));
        vm.expectEmit(address(nft));
        emit IRoster.NodeRevoked(1, 2, wallets(1));
        report(1);

        assertStanding(1, NodeStanding.Revoked);
        assertTrue(nft.isRevoked(2));
        assertTrue(nft.cluster().members[1].revoked);
        assertTerm(1, 0);
    }

    function test_dropsAPendingNodeThatSignedTwoRootsAsAMemberBefore() public {
        mintAndRegister(3);
        report(3);
        assertEq(nft.pending().length, 0);
        assertStanding(3, NodeStanding.Revoked);
    }

    /// @notice Its token was revoked already, yet the wallet was not registered with it then.
    function test_convictsWhoeverComesBackWithAnotherToken() public {
        vm.prank(wallets(0));
        nft.remove(1, 1);
        vm.prank(OWNER);
        nft.revoke(2);
        uint256 another = mintTo(wallets(1));
        register(1, another);
        report(1);
        assertTrue(nft.isRevoked(another));
    }

    function report(uint256 i) private {
        bytes memory signatureA = sign(i, checkpointDigest(a));
        bytes memory signatureB = sign(i, checkpointDigest(b));
        vm.prank(STRANGER);
        nft.reportEquivocation(a, signatureA, b, signatureB);
    }

    function expectRefusal(uint256 i, uint256 j, bytes memory reason) private {
        bytes memory signatureA = sign(i, checkpointDigest(a));
        bytes memory signatureB = sign(j, checkpointDigest(b));
        vm.expectRevert(reason);
        nft.reportEquivocation(a, signatureA, b, signatureB);
    }
}

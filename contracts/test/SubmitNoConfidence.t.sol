// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {ICheckpoints} from "../src/interfaces/ICheckpoints.sol";
import {TermReason} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract SubmitNoConfidenceTest is ClusterTest {
    uint64 private constant DEADLINE = 1_800_000_010;
    uint256 private constant CURVE_ORDER =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function setUp() public override {
        super.setUp();
        startCluster(5);
    }

    function test_refusesBeforeTermOne() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        bytes memory proof = signatures(1, nobody(), noConfidenceDigest(0, 1, DEADLINE));
        vm.expectRevert(ITerms.NotStarted.selector);
        nft.submitNoConfidence(0, 1, DEADLINE, 1, proof);
    }

    function testFuzz_refusesEveryOtherTerm(uint64 term) public {
        vm.assume(term != 1);
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(term, 4, DEADLINE));
        vm.expectRevert(abi.encodeWithSelector(ITerms.StaleTerm.selector, term, 1));
        nft.submitNoConfidence(term, 4, DEADLINE, 7, proof);
    }

    function test_refusesAReplayInTheNextTerm() public {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, DEADLINE));
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
        vm.expectRevert(abi.encodeWithSelector(ITerms.StaleTerm.selector, 1, 2));
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, 0));
        nft.submitNoConfidence(2, 3, DEADLINE, 7, proof);
    }

    function testFuzz_refusesAnExpiredDeadline(uint64 deadline) public {
        deadline = uint64(bound(deadline, 0, block.timestamp - 1));
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, deadline));
        vm.expectRevert(
            abi.encodeWithSelector(ITerms.DeadlineExpired.selector, deadline, block.timestamp)
        );
        nft.submitNoConfidence(1, 4, deadline, 7, proof);
    }

    function test_refusesTheLeaderAsSuccessor() public {
        expectRefusal(0, 7, abi.encodeWithSelector(ITerms.SuccessorIsLeader.selector, 0));
    }

    function test_refusesAnInactiveSuccessor() public {
        expectRefusal(9, 7, abi.encodeWithSelector(ITerms.NotActive.selector, 9));
    }

    function test_refusesARevokedSuccessor() public {
        vm.prank(OWNER);
        nft.revoke(5);
        expectRefusal(4, 7, abi.encodeWithSelector(ITerms.MemberRevoked.selector, 4));
    }

    function test_refusesOneSignatureShortOfAQuorum() public {
        bytes memory proof = signatures(2, nobody(), noConfidenceDigest(1, 4, DEADLINE));
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.QuorumNotReached.selector, 2, 3));
        nft.submitNoConfidence(1, 4, DEADLINE, 3, proof);
    }

    function test_refusesNoSignatureAtAll() public {
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.QuorumNotReached.selector, 0, 3));
        nft.submitNoConfidence(1, 4, DEADLINE, 0, "");
    }

    function test_refusesASignerThatRepeatsItself() public {
        bytes32 digest = noConfidenceDigest(1, 4, DEADLINE);
        bytes memory proof = bytes.concat(sign(0, digest), sign(1, digest), sign(1, digest));
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, 2));
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
    }

    function test_refusesSignaturesOutOfOrder() public {
        bytes32 digest = noConfidenceDigest(1, 4, DEADLINE);
        bytes memory proof = bytes.concat(sign(1, digest), sign(0, digest), sign(2, digest));
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, 0));
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
    }

    function test_refusesABitmapThatNamesANonMember() public {
        mintAndRegister(5);
        uint256[2] memory strangers = [uint256(5), 200];
        for (uint256 i = 0; i < strangers.length; ++i) {
            bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, DEADLINE));
            vm.expectRevert(abi.encodeWithSelector(ITerms.NotActive.selector, strangers[i]));
            nft.submitNoConfidence(1, 4, DEADLINE, 3 | (uint256(1) << strangers[i]), proof);
        }
    }

    function test_refusesARevokedSigner() public {
        vm.prank(OWNER);
        nft.revoke(3);
        expectRefusal(4, 7, abi.encodeWithSelector(ITerms.MemberRevoked.selector, 2));
    }

    function testFuzz_refusesEveryOtherLength(uint16 length) public {
        vm.assume(length != 195);
        bytes memory proof = new bytes(length);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpoints.WrongSignaturesLength.selector, length, 195)
        );
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
    }

    function test_refusesASignatureForAnotherChain() public {
        bytes32 digest = typedDigestFor(block.chainid + 1, address(nft), structHash());
        expectSignatureRefusal(signatures(3, nobody(), digest));
    }

    function test_refusesASignatureForAnotherContract() public {
        bytes32 digest = typedDigestFor(block.chainid, address(this), structHash());
        expectSignatureRefusal(signatures(3, nobody(), digest));
    }

    function test_refusesThisContractsSignaturesOnAForkOfTheChain() public {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, DEADLINE));
        vm.chainId(block.chainid + 1);
        expectSignatureRefusal(proof);
    }

    function testFuzz_refusesASignatureOverAnythingElse(
        uint64 term,
        uint8 successor,
        uint64 deadline
    ) public {
        vm.assume(term != 1 || successor != 4 || deadline != DEADLINE);
        bytes32 digest = noConfidenceDigest(term, successor, deadline);
        expectSignatureRefusal(signatures(3, nobody(), digest));
    }

    function testFuzz_refusesASignatureWithAnyBitFlipped(uint256 bitSeed) public {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, DEADLINE));
        uint256 bit = bound(bitSeed, 0, proof.length * 8 - 1);
        proof[bit / 8] = proof[bit / 8] ^ bytes1(uint8(uint256(1) << (bit % 8)));
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, bit / 8 / 65)
        );
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
    }

    function testFuzz_refusesEveryOtherV(uint8 v) public {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, DEADLINE));
        vm.assume(v != uint8(proof[64]));
        proof[64] = bytes1(v);
        expectSignatureRefusal(proof);
    }

    function test_refusesAHighS() public {
        bytes32 digest = noConfidenceDigest(1, 4, DEADLINE);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(0), digest);
        // The same signature written the other way: 27 and 28 differ in the bits of 7.
        bytes memory high = abi.encodePacked(r, CURVE_ORDER - uint256(s), v ^ 7);
        expectSignatureRefusal(bytes.concat(high, sign(1, digest), sign(2, digest)));
    }

    function testFuzz_refusesRandomBytes(bytes32 a, bytes32 b, bytes32 c) public {
        bytes memory noise = abi.encodePacked(a, b, c, a, b, c, bytes3(a));
        expectSignatureRefusal(noise);
    }

    function test_startsTheNextTermOnAQuorum() public {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, 4, DEADLINE));
        vm.expectEmit(address(nft));
        emit IRoster.TermStarted(2, 4, TermReason.NoConfidence);
        vm.prank(STRANGER);
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
        assertTerm(2, 4);
    }

    function test_acceptsMoreThanAQuorumAndTheDeadlineItself() public {
        bytes memory proof = signatures(5, 1, noConfidenceDigest(1, 1, uint64(block.timestamp)));
        nft.submitNoConfidence(1, 1, uint64(block.timestamp), 31 - 2, proof);
        assertTerm(2, 1);
    }

    /// @notice Any set of members with a majority can end a term, and no other can.
    function testFuzz_needsAMajority(uint8 sizeSeed, uint256 signers) public {
        uint16 size = uint16(bound(sizeSeed, 2, 9));
        nft = deploy(configuration(size, 256));
        for (uint256 i = 0; i < size; ++i) {
            mintAndRegister(i);
        }
        signers = bound(signers, 0, (uint256(1) << size) - 1);
        bytes memory proof;
        uint256 count = 0;
        for (uint256 i = 0; i < size; ++i) {
            if ((signers >> i) & 1 == 0) continue;
            proof = bytes.concat(proof, sign(i, noConfidenceDigest(1, 1, DEADLINE)));
            ++count;
        }
        if (count * 2 <= size) {
            vm.expectRevert(
                abi.encodeWithSelector(ICheckpoints.QuorumNotReached.selector, count, size / 2 + 1)
            );
        }
        nft.submitNoConfidence(1, 1, DEADLINE, signers, proof);
        assertTerm(count * 2 > size ? 2 : 1, count * 2 > size ? 1 : 0);
    }

    function expectRefusal(uint8 successor, uint256 bitmap, bytes memory reason) private {
        bytes memory proof = signatures(3, nobody(), noConfidenceDigest(1, successor, DEADLINE));
        vm.expectRevert(reason);
        nft.submitNoConfidence(1, successor, DEADLINE, bitmap, proof);
    }

    function expectSignatureRefusal(bytes memory proof) private {
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, 0));
        nft.submitNoConfidence(1, 4, DEADLINE, 7, proof);
    }

    function structHash() private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("NoConfidence(uint64 term,uint8 successor,uint64 deadline)"),
                uint64(1),
                uint8(4),
                DEADLINE
            )
        );
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITerms} from "../src/interfaces/ITerms.sol";
import {ICheckpoints} from "../src/interfaces/ICheckpoints.sol";
import {Anchor, Checkpoint} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract AnchorTest is ClusterTest {
    function setUp() public override {
        super.setUp();
        startCluster(3);
    }

    function test_refusesBeforeTermOne() public {
        nft = deploy(configuration(3, 256));
        mintAndRegister(0);
        Checkpoint memory checkpoint = checkpointAt(1);
        bytes memory proof = sign(0, checkpointDigest(checkpoint));
        vm.expectRevert(ITerms.NotStarted.selector);
        anchor(checkpoint, 1, proof);
    }

    function testFuzz_refusesEveryOtherColdTerm(uint64 coldTerm) public {
        vm.assume(coldTerm != 0);
        Checkpoint memory checkpoint = checkpointAt(1);
        checkpoint.coldTerm = coldTerm;
        bytes memory proof = certificate(checkpoint);
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.StaleColdTerm.selector, coldTerm, 0));
        anchor(checkpoint, 3, proof);
    }

    function test_refusesACheckpointFromBeforeAColdStart() public {
        Checkpoint memory checkpoint = checkpointAt(1);
        bytes memory proof = certificate(checkpoint);
        coldStart();
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.StaleColdTerm.selector, 0, 2));
        anchor(checkpoint, 3, proof);
    }

    function testFuzz_refusesAnIndexThatDoesNotGrow(uint64 first, uint64 second) public {
        first = uint64(bound(first, 1, type(uint64).max));
        second = uint64(bound(second, 0, first));
        anchorAt(first);
        Checkpoint memory checkpoint = checkpointAt(second);
        bytes memory proof = certificate(checkpoint);
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpoints.AnchorNotNewer.selector, second, first)
        );
        anchor(checkpoint, 3, proof);
    }

    function test_refusesToGoBackwardsAcrossAColdStart() public {
        anchorAt(10);
        coldStart();
        Checkpoint memory checkpoint = checkpointAt(9);
        checkpoint.coldTerm = 2;
        bytes memory proof = certificate(checkpoint);
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.AnchorNotNewer.selector, 9, 10));
        anchor(checkpoint, 3, proof);

        checkpoint.index = 11;
        anchor(checkpoint, 3, certificate(checkpoint));
        assertEq(nft.latestAnchor().coldTerm, 2);
    }

    function test_refusesOneSignatureShortOfAQuorum() public {
        Checkpoint memory checkpoint = checkpointAt(1);
        bytes memory proof = sign(1, checkpointDigest(checkpoint));
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.QuorumNotReached.selector, 1, 2));
        anchor(checkpoint, 2, proof);
    }

    function test_refusesAnyChangeToWhatWasSigned() public {
        Checkpoint memory signed = checkpointAt(5);
        bytes memory proof = certificate(signed);
        Checkpoint[3] memory changed = [checkpointAt(5), checkpointAt(5), checkpointAt(5)];
        changed[0].index = 6;
        changed[1].logRoot = 0;
        changed[2].stateHash = 0;
        for (uint256 i = 0; i < changed.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, 0));
            anchor(changed[i], 3, proof);
        }
    }

    function test_refusesSignersThatAreNoLongerMembers() public {
        Checkpoint memory checkpoint = checkpointAt(5);
        bytes memory proof = certificate(checkpoint);
        vm.prank(wallets(0));
        nft.remove(1, 1);
        vm.expectRevert(abi.encodeWithSelector(ITerms.NotActive.selector, 1));
        anchor(checkpoint, 3, proof);
    }

    function test_refusesARevokedSigner() public {
        vm.prank(OWNER);
        nft.revoke(1);
        Checkpoint memory checkpoint = checkpointAt(5);
        bytes memory proof = certificate(checkpoint);
        vm.expectRevert(abi.encodeWithSelector(ITerms.MemberRevoked.selector, 0));
        anchor(checkpoint, 3, proof);
    }

    function testFuzz_refusesASignatureWithAnyBitFlipped(uint256 bitSeed) public {
        Checkpoint memory checkpoint = checkpointAt(5);
        bytes memory proof = certificate(checkpoint);
        uint256 bit = bound(bitSeed, 0, proof.length * 8 - 1);
        proof[bit / 8] = proof[bit / 8] ^ bytes1(uint8(uint256(1) << (bit % 8)));
        vm.expectRevert(
            abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, bit / 8 / 65)
        );
        anchor(checkpoint, 3, proof);
    }

    function test_keepsTheLatestCheckpoint() public {
        assertEq(abi.encode(nft.latestAnchor()), abi.encode(Anchor(0, 0, 0, 0, 0)));
        anchorAt(5);
        vm.roll(77);
        Checkpoint memory checkpoint = checkpointAt(6);
        bytes memory proof = certificate(checkpoint);
        vm.expectEmit(address(nft));
        emit ICheckpoints.Anchored(0, 6, checkpoint.logRoot, checkpoint.stateHash);
        vm.prank(STRANGER);
        anchor(checkpoint, 3, proof);
        assertEq(
            abi.encode(nft.latestAnchor()),
            abi.encode(Anchor(0, 6, 77, checkpoint.logRoot, checkpoint.stateHash))
        );
    }

    function test_signsWhatViemWouldHaveSigned() public view {
        string memory json = vm.readFile("contracts/test/vectors.json");
        uint256 chainId = vm.parseJsonUint(json, ".digests.chainId");
        address verifyingContract = vm.parseJsonAddress(json, ".digests.verifyingContract");
        bytes32 noConfidence = keccak256(
            abi.encode(
                keccak256("NoConfidence(uint64 term,uint8 successor,uint64 deadline)"),
                7,
                2,
                1_800_000_000
            )
        );
        bytes32 checkpoint = keccak256(
            abi.encode(
                keccak256(
                    "Checkpoint(uint64 coldTerm,uint64 index,bytes32 logRoot,bytes32 stateHash)"
                ),
                3,
                4000,
                keccak256("log root"),
                keccak256("state hash")
            )
        );
        assertEq(
            typedDigestFor(chainId, verifyingContract, noConfidence),
            vm.parseJsonBytes32(json, ".digests.noConfidence")
        );
        assertEq(
            typedDigestFor(chainId, verifyingContract, checkpoint),
            vm.parseJsonBytes32(json, ".digests.checkpoint")
        );
    }

    function checkpointAt(uint64 index) private pure returns (Checkpoint memory) {
        return Checkpoint({
            coldTerm: 0,
            index: index,
            logRoot: keccak256(abi.encode("root", index)),
            stateHash: keccak256(abi.encode("state", index))
        });
    }

    /// @dev By nodes 0 and 1.
    function certificate(Checkpoint memory checkpoint) private view returns (bytes memory) {
        return signatures(2, nobody(), checkpointDigest(checkpoint));
    }

    function anchorAt(uint64 index) private {
        Checkpoint memory checkpoint = checkpointAt(index);
        anchor(checkpoint, 3, certificate(checkpoint));
    }

    function anchor(Checkpoint memory checkpoint, uint256 bitmap, bytes memory proof) private {
        nft.anchor(
            checkpoint.coldTerm,
            checkpoint.index,
            checkpoint.logRoot,
            checkpoint.stateHash,
            bitmap,
            proof
        );
    }

    function coldStart() private {
        bytes32[] memory bootKeys = new bytes32[](3);
        for (uint256 i = 0; i < 3; ++i) {
            bootKeys[i] = keccak256(abi.encode("cold boot", i));
        }
        vm.prank(wallets(0));
        nft.coldStart(1, bootKeys);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDstackMembershipNFT} from "../src/interfaces/IDstackMembershipNFT.sol";
import {Checkpoint, KeyProof} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

/// @notice What calls cost in clusters of several sizes: execution gas, without the 21,000 of the
/// transaction and without its calldata. Everything is made ready in `setUp`, which is another
/// transaction, so that each measured call finds all storage cold.
abstract contract GasTest is ClusterTest {
    uint64 private constant DEADLINE = type(uint64).max;
    /// The same for every size: these must not grow with the cluster.
    uint256 private constant CAST_VOTE_GAS_MAX = 37_000;
    uint256 private constant HAND_OVER_GAS_MAX = 17_000;
    uint256 private constant REGISTER_GAS_MAX = 305_000;

    uint16 private immutable SIZE;
    uint256 private immutable NO_CONFIDENCE_GAS_MAX;

    uint256 private signerBitmap;
    bytes private noConfidence;
    bytes private anchoring;
    KeyProof private proof;
    uint256 private newTokenId;
    Checkpoint private checkpoint = Checkpoint(0, 1000, keccak256("root"), keccak256("state"));
    /// A cluster of the same size that lacks one vote to end its term.
    IDstackMembershipNFT private votedOut;

    constructor(uint16 size, uint256 noConfidenceGasMax) {
        SIZE = size;
        NO_CONFIDENCE_GAS_MAX = noConfidenceGasMax;
    }

    function setUp() public override {
        super.setUp();
        votedOut = startClusterOfSize();
        uint256 quorum = nft.quorum();
        for (uint256 i = 1; i < quorum; ++i) {
            vm.prank(wallets(i));
            votedOut.castVote(1, 1, true);
        }

        startClusterOfSize();
        signerBitmap = (uint256(1) << quorum) - 1;
        noConfidence = signatures(quorum, nobody(), noConfidenceDigest(1, 1, DEADLINE));
        anchoring = signatures(quorum, nobody(), checkpointDigest(checkpoint));
        mintAndRegister(SIZE);
        newTokenId = mintTo(wallets(SIZE + 1));
        proof = proofOf(SIZE + 1);
    }

    function test_submitNoConfidence() public {
        nft.submitNoConfidence(1, 1, DEADLINE, signerBitmap, noConfidence);
        assertLt(measured("submitNoConfidence"), NO_CONFIDENCE_GAS_MAX);
    }

    function test_castVote() public {
        vm.prank(wallets(SIZE - 1));
        nft.castVote(1, 1, true);
        assertLt(measured("castVote"), CAST_VOTE_GAS_MAX);
    }

    function test_castVote_deciding() public {
        vm.prank(wallets(0));
        votedOut.castVote(1, 1, true);
        assertLt(measured("castVote (deciding)"), CAST_VOTE_GAS_MAX);
        assertEq(votedOut.term(), 2);
    }

    function test_handOver() public {
        vm.prank(wallets(0));
        nft.handOver(1, 1);
        assertLt(measured("handOver"), HAND_OVER_GAS_MAX);
    }

    function test_register() public {
        vm.prank(wallets(SIZE + 1));
        nft.register(newTokenId, recordOf(SIZE + 1), proof);
        assertLt(measured("register"), REGISTER_GAS_MAX);
    }

    function test_admit() public {
        vm.prank(wallets(0));
        nft.admit(1, uint8(SIZE));
        measured("admit");
    }

    function test_remove() public {
        vm.prank(wallets(0));
        nft.remove(1, 1);
        measured("remove");
    }

    function test_coldStart() public {
        bytes32[] memory bootKeys = new bytes32[](SIZE);
        for (uint256 i = 0; i < SIZE; ++i) {
            bootKeys[i] = keccak256(abi.encode("cold boot", i));
        }
        vm.prank(wallets(0));
        nft.coldStart(1, bootKeys);
        measured("coldStart");
    }

    function test_anchor() public {
        nft.anchor(
            0, checkpoint.index, checkpoint.logRoot, checkpoint.stateHash, signerBitmap, anchoring
        );
        measured("anchor");
    }

    function test_mint() public {
        vm.prank(OWNER);
        nft.mint(wallets(200));
        measured("mint");
    }

    function startClusterOfSize() private returns (IDstackMembershipNFT) {
        nft = deploy(configuration(SIZE, 256));
        for (uint256 i = 0; i < SIZE; ++i) {
            mintAndRegister(i);
        }
        return nft;
    }

    function measured(string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall("gas", string.concat(name, ", n = ", vm.toString(SIZE)));
    }
}

contract GasOf3Test is GasTest(3, 35_000) {}

contract GasOf7Test is GasTest(7, 55_000) {}

contract GasOf21Test is GasTest(21, 110_000) {}

contract GasOf100Test is GasTest(100, 420_000) {}

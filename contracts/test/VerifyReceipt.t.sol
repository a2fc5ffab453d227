// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpoints} from "../src/interfaces/ICheckpoints.sol";
import {Checkpoint} from "../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "./support/ClusterTest.sol";

contract VerifyReceiptTest is ClusterTest {
    struct Log {
        bytes32 root;
        bytes[] entries;
        bytes32[] prevHashes;
        bytes[] paths;
    }

    string private json;

    function setUp() public override {
        super.setUp();
        startCluster(3);
        json = vm.readFile("contracts/test/vectors.json");
    }

    function test_acceptsEveryEntryOfLogsOfAllShapes() public {
        for (uint256 i = 0; i < 7; ++i) {
            Log memory log = logAt(i);
            anchorLog(log);
            for (uint64 index = 1; index <= log.entries.length; ++index) {
                assertTrue(verify(log, index));
                assertTrue(verifyWithCertificate(log, index));
            }
        }
    }

    function test_refusesEverythingBeforeTheFirstAnchor() public view {
        Log memory log = logAt(0);
        assertFalse(verify(log, 1));
    }

    function test_refusesIndexZeroAndIndicesBeyondTheTree() public {
        Log memory log = logAt(4);
        anchorLog(log);
        (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, 7);
        assertFalse(nft.verifyReceipt(0, prevHash, entry, path));
        assertFalse(nft.verifyReceipt(8, prevHash, entry, path));
        assertFalse(nft.verifyReceipt(type(uint64).max, prevHash, entry, path));
    }

    function testFuzz_refusesAnyOtherIndex(uint64 index, uint64 claimed) public {
        Log memory log = logAt(6);
        anchorLog(log);
        index = uint64(bound(index, 1, 13));
        claimed = uint64(bound(claimed, 0, 20));
        vm.assume(claimed != index);
        (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, index);
        assertFalse(nft.verifyReceipt(claimed, prevHash, entry, path));
    }

    function testFuzz_refusesAnyOtherEntry(uint64 index, bytes memory entry) public {
        Log memory log = logAt(6);
        anchorLog(log);
        index = uint64(bound(index, 1, 13));
        (bytes32 prevHash, bytes memory genuine, bytes32[] memory path) = receipt(log, index);
        vm.assume(keccak256(entry) != keccak256(genuine));
        assertFalse(nft.verifyReceipt(index, prevHash, entry, path));
        assertFalse(nft.verifyReceipt(index, keccak256("other"), genuine, path));
    }

    function testFuzz_refusesAPathWithAnyNodeChanged(uint64 index, uint256 node, bytes32 other)
        public
    {
        Log memory log = logAt(6);
        anchorLog(log);
        index = uint64(bound(index, 1, 13));
        (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, index);
        node = bound(node, 0, path.length - 1);
        vm.assume(path[node] != other);
        path[node] = other;
        assertFalse(nft.verifyReceipt(index, prevHash, entry, path));
    }

    function test_refusesAPathThatIsTooLongOrTooShort() public {
        for (uint256 i = 0; i < 7; ++i) {
            Log memory log = logAt(i);
            anchorLog(log);
            for (uint64 index = 1; index <= log.entries.length; ++index) {
                (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, index);
                bytes32[] memory longer = new bytes32[](path.length + 1);
                for (uint256 j = 0; j < path.length; ++j) {
                    longer[j] = path[j];
                }
                assertFalse(nft.verifyReceipt(index, prevHash, entry, longer));
                if (path.length == 0) continue;
                bytes32[] memory shorter = new bytes32[](path.length - 1);
                for (uint256 j = 0; j < shorter.length; ++j) {
                    shorter[j] = path[j];
                }
                assertFalse(nft.verifyReceipt(index, prevHash, entry, shorter));
            }
        }
    }

    function test_withCertificate_refusesAnInvalidOneWithTheReason() public {
        Log memory log = logAt(2);
        (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, 1);
        Checkpoint memory checkpoint = checkpointOf(log);
        bytes memory proof = signatures(2, nobody(), checkpointDigest(checkpoint));
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.QuorumNotReached.selector, 1, 2));
        nft.verifyReceipt(1, prevHash, entry, path, checkpoint, 1, proof);

        checkpoint.stateHash = 0;
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.InvalidSignature.selector, 0));
        nft.verifyReceipt(1, prevHash, entry, path, checkpoint, 3, proof);

        checkpoint.coldTerm = 1;
        vm.expectRevert(abi.encodeWithSelector(ICheckpoints.StaleColdTerm.selector, 1, 0));
        nft.verifyReceipt(1, prevHash, entry, path, checkpoint, 3, proof);
    }

    function test_withCertificate_refusesAnEntryThatIsNotUnderItsRoot() public view {
        Log memory log = logAt(2);
        (bytes32 prevHash,, bytes32[] memory path) = receipt(log, 1);
        Checkpoint memory checkpoint = checkpointOf(log);
        bytes memory proof = signatures(2, nobody(), checkpointDigest(checkpoint));
        assertFalse(nft.verifyReceipt(1, prevHash, "forged", path, checkpoint, 3, proof));
    }

    function verify(Log memory log, uint64 index) private view returns (bool) {
        (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, index);
        return nft.verifyReceipt(index, prevHash, entry, path);
    }

    function verifyWithCertificate(Log memory log, uint64 index) private view returns (bool) {
        (bytes32 prevHash, bytes memory entry, bytes32[] memory path) = receipt(log, index);
        Checkpoint memory checkpoint = checkpointOf(log);
        bytes memory proof = signatures(2, nobody(), checkpointDigest(checkpoint));
        return nft.verifyReceipt(index, prevHash, entry, path, checkpoint, 3, proof);
    }

    function anchorLog(Log memory log) private {
        Checkpoint memory checkpoint = checkpointOf(log);
        bytes memory proof = signatures(2, nobody(), checkpointDigest(checkpoint));
        nft.anchor(0, checkpoint.index, checkpoint.logRoot, checkpoint.stateHash, 3, proof);
    }

    function checkpointOf(Log memory log) private pure returns (Checkpoint memory) {
        return Checkpoint(0, uint64(log.entries.length), log.root, keccak256("state"));
    }

    function receipt(Log memory log, uint64 index)
        private
        pure
        returns (bytes32 prevHash, bytes memory entry, bytes32[] memory path)
    {
        bytes memory joined = log.paths[index - 1];
        path = new bytes32[](joined.length / 32);
        for (uint256 i = 0; i < path.length; ++i) {
            bytes32 node;
            assembly ("memory-safe") {
                node := mload(add(joined, mul(32, add(i, 1))))
            }
            path[i] = node;
        }
        return (log.prevHashes[index - 1], log.entries[index - 1], path);
    }

    function logAt(uint256 i) private view returns (Log memory log) {
        string memory at = string.concat(".receipts[", vm.toString(i), "]");
        log.root = vm.parseJsonBytes32(json, string.concat(at, ".root"));
        log.entries = vm.parseJsonBytesArray(json, string.concat(at, ".entries"));
        log.prevHashes = vm.parseJsonBytes32Array(json, string.concat(at, ".prevHashes"));
        log.paths = vm.parseJsonBytesArray(json, string.concat(at, ".paths"));
    }
}

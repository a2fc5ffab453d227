// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Checkpoint,
    ClusterView,
    Configuration,
    Member,
    NodeView
} from "../../src/interfaces/MembershipTypes.sol";
import {ClusterTest} from "../support/ClusterTest.sol";

/// @notice Drives a cluster of up to twelve nodes through random calls and notes what must not
/// happen. No action reverts: what the contract refuses is forgotten.
contract Handler is ClusterTest {
    uint256 private constant NODE_COUNT = 12;
    uint64 private constant DEADLINE = type(uint64).max;

    uint64 public lastTerm;
    bool public termFell;
    bool public revokedMemberTookOffice;
    bool public rosterChangedWithinTerm;
    bool public anchorFell;
    bool public tokenMovedInUse;
    mapping(uint64 term => uint256) public votesCast;

    bytes32 private _lastRoster;

    constructor() {
        Configuration memory settings = configuration(4, 8);
        settings.owner = OWNER;
        nft = deploy(settings);
        vm.warp(1_800_000_000);
        for (uint256 i = 0; i < NODE_COUNT; ++i) {
            mintTo(wallets(i));
        }
        for (uint256 i = 0; i < 4; ++i) {
            register(i, i + 1);
        }
        lastTerm = nft.term();
        _lastRoster = rosterHash(nft.cluster().members);
    }

    function doRegister(uint256 i) external {
        i = node(i);
        uint256 tokenId = nft.tokenFor(wallets(i));
        attempt(wallets(i), abi.encodeCall(nft.register, (tokenId, recordOf(i), proofOf(i))));
    }

    function doLeave(uint256 i) external {
        attempt(wallets(node(i)), abi.encodeCall(nft.leave, ()));
    }

    function doRetire(uint256 tokenId) external {
        tokenId = node(tokenId) + 1;
        attempt(nft.ownerOf(tokenId), abi.encodeCall(nft.retire, (tokenId)));
    }

    /// @dev Rarely, or soon nobody would be left.
    function doRevoke(uint256 tokenId, uint256 chance) external {
        if (chance % 8 != 3) return;
        attempt(OWNER, abi.encodeCall(nft.revoke, (node(tokenId) + 1)));
    }

    function doReregister(uint256 i, bytes32 bootKey) external {
        attempt(wallets(node(i)), abi.encodeCall(nft.reregister, (bootKey, bytes32(0))));
    }

    function doTransfer(uint256 tokenId, uint256 to) external {
        tokenId = node(tokenId) + 1;
        address holder = nft.ownerOf(tokenId);
        bool inUse = isInUse(tokenId);
        bool done = attempt(
            holder, abi.encodeCall(nft.transferFrom, (holder, wallets(node(to)), tokenId))
        );
        if (done && inUse) tokenMovedInUse = true;
    }

    function doVote(uint256 voter, uint256 successor, bool noConfidence) external {
        uint64 term = nft.term();
        bool done = attempt(
            memberWallet(voter),
            abi.encodeCall(nft.castVote, (term, memberSlot(successor), noConfidence))
        );
        if (!done) return;
        if (noConfidence) ++votesCast[term];
        else --votesCast[term];
    }

    function doSubmit(uint256 signers, uint256 successor) external {
        uint64 term = nft.term();
        uint8 slot = memberSlot(successor);
        (uint256 bitmap, bytes memory proof) =
            certificate(signers, noConfidenceDigest(term, slot, DEADLINE));
        attempt(
            STRANGER, abi.encodeCall(nft.submitNoConfidence, (term, slot, DEADLINE, bitmap, proof))
        );
    }

    function doHandOver(uint256 successor) external {
        uint64 term = nft.term();
        attempt(leader(), abi.encodeCall(nft.handOver, (term, memberSlot(successor))));
    }

    function doAdmit(uint256 i) external {
        uint64 term = nft.term();
        Member[] memory waiting = nft.pending();
        if (waiting.length == 0) return;
        attempt(leader(), abi.encodeCall(nft.admit, (term, waiting[i % waiting.length].slot)));
    }

    function doRemove(uint256 i) external {
        uint64 term = nft.term();
        attempt(leader(), abi.encodeCall(nft.remove, (term, memberSlot(i))));
    }

    function doColdStart(uint256 seed, uint256 unnamed) external {
        ClusterView memory cluster = nft.cluster();
        bytes32[] memory bootKeys = new bytes32[](cluster.members.length);
        for (uint256 i = 0; i < bootKeys.length; ++i) {
            bool named = (unnamed >> (2 * i)) & 3 != 0;
            if (named) bootKeys[i] = keccak256(abi.encode(seed, i));
        }
        attempt(leader(), abi.encodeCall(nft.coldStart, (cluster.term, bootKeys)));
    }

    function doAnchor(uint256 signers, uint64 index) external {
        Checkpoint memory checkpoint = Checkpoint({
            coldTerm: nft.cluster().coldTerm,
            index: uint64(bound(index, 0, 1000)),
            logRoot: bytes32(signers),
            stateHash: 0
        });
        (uint256 bitmap, bytes memory proof) = certificate(signers, checkpointDigest(checkpoint));
        uint64 before = nft.latestAnchor().index;
        attempt(
            STRANGER,
            abi.encodeCall(
                nft.anchor,
                (checkpoint.coldTerm, checkpoint.index, checkpoint.logRoot, 0, bitmap, proof)
            )
        );
        if (nft.latestAnchor().index < before) anchorFell = true;
    }

    function doReport(uint256 i, uint256 chance) external {
        if (chance % 8 != 3) return;
        i = node(i);
        Checkpoint memory a = Checkpoint(0, 1, bytes32(uint256(1)), 0);
        Checkpoint memory b = Checkpoint(0, 1, bytes32(uint256(2)), 0);
        bytes memory signatureA = sign(i, checkpointDigest(a));
        bytes memory signatureB = sign(i, checkpointDigest(b));
        attempt(STRANGER, abi.encodeCall(nft.reportEquivocation, (a, signatureA, b, signatureB)));
    }

    function contractUnderTest() external view returns (address) {
        return address(nft);
    }

    function attempt(address caller, bytes memory call) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(nft).call(call);
        observe();
    }

    function observe() private {
        ClusterView memory cluster = nft.cluster();
        bytes32 roster = rosterHash(cluster.members);
        if (cluster.term < lastTerm) termFell = true;
        if (cluster.term == lastTerm && roster != _lastRoster) rosterChangedWithinTerm = true;
        if (cluster.term > lastTerm && leaderOf(cluster).revoked) revokedMemberTookOffice = true;
        lastTerm = cluster.term;
        _lastRoster = roster;
    }

    /// @dev All that a term fixes: who sits where and under which boot key.
    function rosterHash(Member[] memory members) private pure returns (bytes32 hash) {
        for (uint256 i = 0; i < members.length; ++i) {
            hash = keccak256(
                abi.encode(hash, members[i].slot, members[i].wallet, members[i].bootKey)
            );
        }
    }

    /// @dev Each token was minted to, and each node registers from, one of these wallets.
    function isInUse(uint256 tokenId) private view returns (bool) {
        for (uint256 i = 0; i < NODE_COUNT; ++i) {
            NodeView memory known = nft.nodeOf(wallets(i));
            if (known.tokenId == tokenId && isRegistered(wallets(i))) return true;
        }
        return false;
    }

    function isRegistered(address wallet) private view returns (bool) {
        ClusterView memory cluster = nft.cluster();
        Member[] memory waiting = nft.pending();
        for (uint256 i = 0; i < cluster.members.length; ++i) {
            if (cluster.members[i].wallet == wallet) return true;
        }
        for (uint256 i = 0; i < waiting.length; ++i) {
            if (waiting[i].wallet == wallet) return true;
        }
        return false;
    }

    function leader() private view returns (address) {
        return leaderOf(nft.cluster()).wallet;
    }

    function leaderOf(ClusterView memory cluster) private pure returns (Member memory) {
        for (uint256 i = 0; i < cluster.members.length; ++i) {
            if (cluster.members[i].slot == cluster.leader) return cluster.members[i];
        }
        revert("the leader is not a member");
    }

    function memberSlot(uint256 seed) private view returns (uint8) {
        Member[] memory members = nft.cluster().members;
        return members[seed % members.length].slot;
    }

    function memberWallet(uint256 seed) private view returns (address) {
        Member[] memory members = nft.cluster().members;
        return members[seed % members.length].wallet;
    }

    /// @dev Signed by the members whose bits are set, counted from the first member.
    function certificate(uint256 signers, bytes32 digest)
        private
        view
        returns (uint256 bitmap, bytes memory proof)
    {
        Member[] memory members = nft.cluster().members;
        for (uint256 i = 0; i < members.length; ++i) {
            if ((signers >> i) & 1 == 0) continue;
            bitmap |= uint256(1) << members[i].slot;
            proof = bytes.concat(proof, sign(nodeWith(members[i].wallet), digest));
        }
    }

    function nodeWith(address wallet) private pure returns (uint256 i) {
        while (wallets(i) != wallet) ++i;
    }

    function node(uint256 seed) private pure returns (uint256) {
        return seed % NODE_COUNT;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TestBase} from "forge-std/Base.sol";
import {StdAssertions} from "forge-std/StdAssertions.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {IDstackMembershipNFT} from "../../src/interfaces/IDstackMembershipNFT.sol";
import {
    Checkpoint,
    Configuration,
    KeyProof,
    Member,
    NodeRecord,
    NodeStanding
} from "../../src/interfaces/MembershipTypes.sol";
import {Dstack} from "./Dstack.sol";

/// @notice A deployed contract and as many nodes as a test wants. Node i has wallet `wallets(i)`,
/// token i + 1 minted straight to it, and, registered in order, slot i.
abstract contract ClusterTest is TestBase, StdAssertions, StdUtils {
    uint256 internal constant KMS_KEY = uint256(keccak256("kms root"));
    uint256 internal constant APP_KEY = uint256(keccak256("app"));
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    IDstackMembershipNFT internal nft;
    address internal immutable OWNER = vm.addr(uint256(keccak256("owner")));
    address internal immutable STRANGER = vm.addr(uint256(keccak256("stranger")));

    function setUp() public virtual {
        nft = deploy(configuration(3, 256));
        vm.warp(1_800_000_000);
    }

    function configuration(uint16 genesisSize, uint16 maxMembers)
        internal
        view
        returns (Configuration memory)
    {
        return Configuration({
            name: "Test Nodes",
            symbol: "NODE",
            owner: OWNER,
            kmsRoot: vm.addr(KMS_KEY),
            genesisSize: genesisSize,
            maxMembers: maxMembers,
            maxNodes: 1000,
            mintPrice: 0.01 ether
        });
    }

    function deploy(Configuration memory settings) internal returns (IDstackMembershipNFT) {
        return IDstackMembershipNFT(vm.deployCode("DstackMembershipNFT.sol", abi.encode(settings)));
    }

    /// @notice Nodes 0 to size - 1 are members of term 1.
    function startCluster(uint16 size) internal {
        if (size != 3) nft = deploy(configuration(size, 256));
        for (uint256 i = 0; i < size; ++i) {
            mintAndRegister(i);
        }
    }

    function mintAndRegister(uint256 i) internal returns (uint256 tokenId) {
        tokenId = mintTo(wallets(i));
        register(i, tokenId);
    }

    function mintTo(address to) internal returns (uint256 tokenId) {
        vm.prank(OWNER);
        return nft.mint(to);
    }

    function register(uint256 i, uint256 tokenId) internal {
        KeyProof memory proof = proofOf(i);
        NodeRecord memory record = recordOf(i);
        vm.prank(wallets(i));
        nft.register(tokenId, record, proof);
    }

    /// @notice Node i joins as the leader, node 0, would let it.
    function admitNode(uint256 i) internal {
        mintAndRegister(i);
        uint64 term = nft.term();
        uint8 slot = slotOf(i);
        vm.prank(wallets(0));
        nft.admit(term, slot);
    }

    function keyOf(uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("node", i)));
    }

    function wallets(uint256 i) internal pure returns (address) {
        return vm.addr(keyOf(i));
    }

    function instanceOf(uint256 i) internal pure returns (bytes20) {
        return bytes20(keccak256(abi.encode("instance", i)));
    }

    function bootKeyOf(uint256 i) internal pure returns (bytes32) {
        return keccak256(abi.encode("boot key", i));
    }

    function slotOf(uint256 i) internal view returns (uint8) {
        return nft.nodeOf(wallets(i)).slot;
    }

    function recordOf(uint256 i) internal pure returns (NodeRecord memory) {
        return NodeRecord({
            instanceId: instanceOf(i),
            bootKey: bootKeyOf(i),
            quoteHash: keccak256(abi.encode("quote", i)),
            endpoint: string.concat("http://127.0.0.1:", vm.toString(8081 + i)),
            peerEndpoint: string.concat("127.0.0.1:", vm.toString(9081 + i))
        });
    }

    function proofOf(uint256 i) internal returns (KeyProof memory) {
        return
            Dstack.proof(KMS_KEY, APP_KEY, keyOf(i), address(nft), Dstack.purposeOf(instanceOf(i)));
    }

    function sign(uint256 i, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(i), digest);
        return abi.encodePacked(r, s, v);
    }

    /// @notice Signatures of nodes 0 to count - 1 but for node `without`.
    function signatures(uint256 count, uint256 without, bytes32 digest)
        internal
        pure
        returns (bytes memory all)
    {
        for (uint256 i = 0; i < count; ++i) {
            if (i != without) all = bytes.concat(all, sign(i, digest));
        }
    }

    /// @notice The last node, which `signatures` can leave out without leaving one out.
    function nobody() internal pure returns (uint256) {
        return type(uint256).max;
    }

    function noConfidenceDigest(uint64 term, uint8 successor, uint64 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 typeHash = keccak256("NoConfidence(uint64 term,uint8 successor,uint64 deadline)");
        return typedDigest(keccak256(abi.encode(typeHash, term, successor, deadline)));
    }

    function checkpointDigest(Checkpoint memory checkpoint) internal view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Checkpoint(uint64 coldTerm,uint64 index,bytes32 logRoot,bytes32 stateHash)"
        );
        return typedDigest(
            keccak256(
                abi.encode(
                    typeHash,
                    checkpoint.coldTerm,
                    checkpoint.index,
                    checkpoint.logRoot,
                    checkpoint.stateHash
                )
            )
        );
    }

    function typedDigest(bytes32 structHash) internal view returns (bytes32) {
        return typedDigestFor(block.chainid, address(nft), structHash);
    }

    function typedDigestFor(uint256 chainId, address verifyingContract, bytes32 structHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256("DstackMembershipNFT"),
                keccak256("1"),
                chainId,
                verifyingContract
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function assertTerm(uint64 term, uint8 leader) internal view {
        assertEq(nft.cluster().term, term, "term");
        assertEq(nft.cluster().leader, leader, "leader");
    }

    function assertStanding(uint256 i, NodeStanding standing) internal view {
        assertEq(uint8(nft.nodeOf(wallets(i)).standing), uint8(standing), "standing");
    }

    function assertMember(Member memory member, uint256 i) internal pure {
        NodeRecord memory record = recordOf(i);
        assertEq(member.wallet, wallets(i), "wallet");
        assertEq(member.instanceId, record.instanceId, "instance");
        assertEq(member.bootKey, record.bootKey, "boot key");
        assertEq(member.quoteHash, record.quoteHash, "quote hash");
        assertEq(member.endpoint, record.endpoint, "endpoint");
        assertEq(member.peerEndpoint, record.peerEndpoint, "peer endpoint");
    }
}

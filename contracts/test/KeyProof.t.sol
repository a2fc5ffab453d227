// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {KeyProof} from "../src/interfaces/MembershipTypes.sol";
import {KmsSignatureChain} from "../src/libraries/KmsSignatureChain.sol";
import {ClusterTest} from "./support/ClusterTest.sol";
import {Dstack} from "./support/Dstack.sol";

/// @notice What `register` makes of the signature chain.
contract KeyProofTest is ClusterTest {
    uint256 private constant CURVE_ORDER =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant OTHER_KEY = uint256(keccak256("other key"));

    uint256 private tokenId;
    KeyProof private proof;

    function setUp() public override {
        super.setUp();
        tokenId = mintTo(wallets(0));
        proof = proofOf(0);
    }

    function test_acceptsTheChain() public {
        register(0, tokenId);
        assertEq(nft.nodeOf(wallets(0)).tokenId, tokenId);
    }

    function testFuzz_acceptsTheChainOfEveryKey(uint256 kmsKey, uint256 appKey, uint256 nodeKey)
        public
    {
        kmsKey = bound(kmsKey, 1, CURVE_ORDER - 1);
        appKey = bound(appKey, 1, CURVE_ORDER - 1);
        nodeKey = bound(nodeKey, 1, CURVE_ORDER - 1);
        vm.prank(OWNER);
        nft.setKmsRoot(vm.addr(kmsKey));
        tokenId = mintTo(vm.addr(nodeKey));
        proof = Dstack.proof(kmsKey, appKey, nodeKey, address(nft), purpose());
        vm.prank(vm.addr(nodeKey));
        nft.register(tokenId, recordOf(0), proof);
    }

    function test_acceptsWhatNobleSigned() public {
        string memory json = vm.readFile("contracts/test/vectors.json");
        proof = KeyProof({
            derivedPublicKey: vm.parseJsonBytes(json, ".keyProof.derivedPublicKey"),
            appPublicKey: vm.parseJsonBytes(json, ".keyProof.appPublicKey"),
            appSignature: vm.parseJsonBytes(json, ".keyProof.appSignature"),
            kmsSignature: vm.parseJsonBytes(json, ".keyProof.kmsSignature")
        });
        this.requireValid(
            proof,
            vm.parseJsonAddress(json, ".keyProof.caller"),
            bytes20(vm.parseJsonAddress(json, ".keyProof.instanceId")),
            vm.parseJsonAddress(json, ".keyProof.appId"),
            vm.parseJsonAddress(json, ".keyProof.kmsRoot")
        );
    }

    function test_refusesSomeoneElsesChainReplayed() public {
        uint256 own = mintTo(wallets(1));
        vm.prank(wallets(1));
        vm.expectRevert(
            abi.encodeWithSelector(
                KmsSignatureChain.KeyNotCallers.selector, wallets(0), wallets(1)
            )
        );
        nft.register(own, recordOf(0), proof);
    }

    function test_refusesAnAppSignatureByAKeyThatTheKmsDidNotSign() public {
        KeyProof memory other = Dstack.proof(KMS_KEY, OTHER_KEY, keyOf(0), address(nft), purpose());
        proof.appSignature = other.appSignature;
        expectAppRefusal(vm.addr(OTHER_KEY));

        // Nor does it help to name that key: then the KMS has not signed it.
        proof.appPublicKey = other.appPublicKey;
        expectAnyKmsRefusal();
    }

    function test_refusesAnotherKmsRoot() public {
        proof = Dstack.proof(OTHER_KEY, APP_KEY, keyOf(0), address(nft), purpose());
        expectKmsRefusal(vm.addr(OTHER_KEY));
    }

    function test_refusesAnotherAppsChain() public {
        proof = Dstack.proof(KMS_KEY, APP_KEY, keyOf(0), STRANGER, purpose());
        expectAnyKmsRefusal();

        vm.prank(OWNER);
        nft.setAppId(STRANGER);
        expectSuccess();
    }

    function test_refusesTheFormerRootAfterItsRotation() public {
        vm.prank(OWNER);
        nft.setKmsRoot(vm.addr(OTHER_KEY));
        expectRefusal(
            abi.encodeWithSelector(
                KmsSignatureChain.InvalidKmsSignature.selector,
                vm.addr(KMS_KEY),
                vm.addr(OTHER_KEY)
            )
        );
        proof = Dstack.proof(OTHER_KEY, APP_KEY, keyOf(0), address(nft), purpose());
        expectSuccess();
    }

    function test_refusesAnotherInstancesPurpose() public {
        string memory other = Dstack.purposeOf(instanceOf(1));
        proof = Dstack.proof(KMS_KEY, APP_KEY, keyOf(0), address(nft), other);
        expectAnyAppRefusal();
    }

    function test_refusesEveryOtherSpellingOfThePurpose() public {
        string memory id = Dstack.hexOf(abi.encodePacked(instanceOf(0)));
        string[6] memory purposes = [
            "",
            id,
            string.concat("cluster-node:0x", id),
            string.concat("cluster-node:", vm.toUppercase(id)),
            string.concat("cluster-node:", id, ":"),
            string.concat("cluster-node", id)
        ];
        for (uint256 i = 0; i < purposes.length; ++i) {
            proof = Dstack.proof(KMS_KEY, APP_KEY, keyOf(0), address(nft), purposes[i]);
            expectAnyAppRefusal();
        }
    }

    function test_refusesAHighSInEitherSignature() public {
        bytes memory genuine = proof.appSignature;
        proof.appSignature = withHighS(genuine);
        expectAppRefusal(address(0));
        proof.appSignature = genuine;
        proof.kmsSignature = withHighS(proof.kmsSignature);
        expectKmsRefusal(address(0));
    }

    function testFuzz_refusesEveryOtherSignatureLength(uint8 length) public {
        vm.assume(length != 65);
        bytes memory genuine = proof.appSignature;
        proof.appSignature = new bytes(length);
        expectAppRefusal(address(0));
        proof.appSignature = genuine;
        proof.kmsSignature = new bytes(length);
        expectKmsRefusal(address(0));
    }

    function test_refusesALongerSignatureThatBeginsWithAGenuineOne() public {
        proof.appSignature = bytes.concat(proof.appSignature, hex"00");
        expectAppRefusal(address(0));
    }

    /// @notice 27 and 28 are what Ethereum writes; dstack writes 0 and 1, and nothing else counts.
    function testFuzz_refusesAnyVButDstacks(uint8 v) public {
        v = uint8(bound(v, 2, 255));
        proof.appSignature[64] = bytes1(v);
        expectAppRefusal(address(0));
    }

    function testFuzz_refusesEveryOtherPublicKeyLength(uint8 length) public {
        vm.assume(length != 64);
        bytes memory genuine = proof.derivedPublicKey;
        bytes memory reason =
            abi.encodeWithSelector(KmsSignatureChain.InvalidPublicKeyLength.selector, length, 64);
        proof.derivedPublicKey = new bytes(length);
        expectRefusal(reason);
        proof.derivedPublicKey = genuine;
        proof.appPublicKey = new bytes(length);
        expectRefusal(reason);
    }

    function testFuzz_refusesAnyBitFlippedAnywhere(uint256 part, uint256 bitSeed) public {
        part = bound(part, 0, 3);
        bytes memory data = part == 0
            ? proof.derivedPublicKey
            : part == 1 ? proof.appPublicKey : part == 2 ? proof.appSignature : proof.kmsSignature;
        uint256 bit = bound(bitSeed, 0, data.length * 8 - 1);
        data[bit / 8] = data[bit / 8] ^ bytes1(uint8(uint256(1) << (bit % 8)));
        if (part == 0) proof.derivedPublicKey = data;
        else if (part == 1) proof.appPublicKey = data;
        else if (part == 2) proof.appSignature = data;
        else proof.kmsSignature = data;

        // Which key a broken signature seems to be from is as good as random: the kind must hold.
        bytes4[4] memory kinds = [
            KmsSignatureChain.KeyNotCallers.selector,
            KmsSignatureChain.InvalidAppSignature.selector,
            KmsSignatureChain.InvalidAppSignature.selector,
            KmsSignatureChain.InvalidKmsSignature.selector
        ];
        expectRefusalOfKind(kinds[part]);
    }

    function testFuzz_refusesRandomSignatures(bytes32 r, bytes32 s, bool v) public {
        proof.kmsSignature = abi.encodePacked(r, s, v);
        expectRefusalOfKind(KmsSignatureChain.InvalidKmsSignature.selector);
        proof.appSignature = abi.encodePacked(r, s, v);
        expectRefusalOfKind(KmsSignatureChain.InvalidAppSignature.selector);
    }

    /// @notice The library itself, where calldata is needed.
    function requireValid(
        KeyProof calldata given,
        address caller,
        bytes20 instanceId,
        address appId,
        address kmsRoot
    ) external pure {
        KmsSignatureChain.requireValid(given, caller, instanceId, appId, kmsRoot);
    }

    function purpose() private pure returns (string memory) {
        return Dstack.purposeOf(instanceOf(0));
    }

    /// @dev The same signature written the other way.
    function withHighS(bytes memory signature) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        return abi.encodePacked(r, CURVE_ORDER - uint256(s), signature[64] ^ 0x01);
    }

    function expectAppRefusal(address signer) private {
        expectRefusal(
            abi.encodeWithSelector(
                KmsSignatureChain.InvalidAppSignature.selector, signer, vm.addr(APP_KEY)
            )
        );
    }

    function expectKmsRefusal(address signer) private {
        expectRefusal(
            abi.encodeWithSelector(
                KmsSignatureChain.InvalidKmsSignature.selector, signer, vm.addr(KMS_KEY)
            )
        );
    }

    function expectAnyAppRefusal() private {
        expectRefusalOfKind(KmsSignatureChain.InvalidAppSignature.selector);
    }

    function expectAnyKmsRefusal() private {
        expectRefusalOfKind(KmsSignatureChain.InvalidKmsSignature.selector);
    }

    function expectRefusal(bytes memory reason) private {
        vm.prank(wallets(0));
        vm.expectRevert(reason);
        nft.register(tokenId, recordOf(0), proof);
    }

    function expectRefusalOfKind(bytes4 selector) private {
        vm.prank(wallets(0));
        vm.expectPartialRevert(selector);
        nft.register(tokenId, recordOf(0), proof);
    }

    function expectSuccess() private {
        vm.prank(wallets(0));
        nft.register(tokenId, recordOf(0), proof);
    }
}

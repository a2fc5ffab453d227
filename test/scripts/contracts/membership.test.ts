import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import {
  type Address,
  concatHex,
  createTestClient,
  getContract,
  type Hex,
  http,
  keccak256,
  publicActions,
  toHex,
  walletActions,
} from "viem";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";
import { afterAll, beforeAll, expect, test } from "vitest";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { type Entry, makeEntry } from "../../../node/src/consensus/entry.ts";
import { noHash, term } from "../../../node/src/consensus/ids.ts";
import {
  emptyFrontier,
  extend,
  pathOf,
  rootOf,
  subtreesOf,
} from "../../../node/src/consensus/merkle.ts";
import { sha256Chain, sha256Tree } from "../../../node/src/storage/digest.ts";
import { membershipBytecode } from "../../../scripts/contracts/membership.bytecode.ts";

const kmsKey = keccak_256(utf8ToBytes("kms"));
const appKey = keccak_256(utf8ToBytes("app"));
const nodes = ["one", "two", "three"].map((name) => privateKeyToAccount(keccak256(toHex(name))));
const owner = privateKeyToAccount(keccak256(toHex("owner")));

let anvil: ChildProcess;
let chain: ReturnType<typeof connect>;
let contract: ReturnType<typeof contractAt>;

beforeAll(async () => {
  const program = join(import.meta.dirname, "../../../node_modules/.bin/anvil");
  anvil = spawn(program, ["--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  chain = connect(await addressOf(anvil));
  for (const { address } of [owner, ...nodes]) {
    await chain.setBalance({ address, value: 10n ** 18n });
  }
});

afterAll(async () => {
  const exited = once(anvil, "exit");
  anvil.kill();
  await exited;
});

test("the committed bytecode deploys under a chain's ordinary limits", async () => {
  const configuration = {
    name: "Nodes",
    symbol: "NODE",
    owner: owner.address,
    kmsRoot: addressOfKey(kmsKey),
    genesisSize: 3,
    maxMembers: 256,
    maxNodes: 1000n,
    mintPrice: 0n,
  };
  const hash = await chain.deployContract({
    abi: membershipAbi,
    bytecode: membershipBytecode,
    args: [configuration],
    account: owner,
  });
  const receipt = await chain.waitForTransactionReceipt({ hash });
  expect(receipt.status).toBe("success");
  if (!receipt.contractAddress) throw new Error("expected the receipt to name the contract");
  contract = contractAt(receipt.contractAddress);
});

test("nodes register with proofs as dstack emits them, and term 1 begins", async () => {
  for (const [i, node] of nodes.entries()) {
    await succeeds(
      contract.write.mintNodeAccess([node.address, `node${i + 1}`], { account: owner }),
    );
    const tokenId = BigInt(i + 1);
    expect(await contract.read.tokenFor([node.address])).toBe(tokenId);
    const instanceId = toHex(keccak_256(utf8ToBytes(`instance ${i}`)).slice(0, 20));
    const record = {
      instanceId,
      bootKey: keccak256(toHex(`boot ${i}`)),
      quoteHash: keccak256(toHex(`quote ${i}`)),
      endpoint: `http://127.0.0.1:808${i + 1}`,
      peerEndpoint: `127.0.0.1:908${i + 1}`,
    };
    const proof = proofOf(node, instanceId);
    await succeeds(contract.write.register([tokenId, record, proof], { account: node }));
  }
  expect(await contract.read.cluster()).toMatchObject({
    term: 1n,
    leader: 0,
    coldTerm: 0n,
    members: nodes.map(({ address }, slot) => ({ slot, wallet: address, revoked: false })),
  });
});

test("two of three members end the term by signing, and anyone brings their signatures", async () => {
  const message = { term: 1n, successor: 2, deadline: 2n ** 64n - 1n };
  const typedData = {
    domain: domain(),
    types: {
      NoConfidence: [
        { name: "term", type: "uint64" },
        { name: "successor", type: "uint8" },
        { name: "deadline", type: "uint64" },
      ],
    },
    primaryType: "NoConfidence",
    message,
  } as const;
  const signatures = await Promise.all(nodes.slice(1).map((node) => node.signTypedData(typedData)));
  const certificate = concatHex(signatures);
  const { term, successor, deadline } = message;
  await succeeds(
    contract.write.submitNoConfidence([term, successor, deadline, 0b110n, certificate], {
      account: owner,
    }),
  );
  expect(await contract.read.cluster()).toMatchObject({ term: 2n, leader: 2 });
});

test("the contract finds an entry of the log under the root that a quorum signed", async () => {
  const entries = logOf(["first", "second", "third", "fourth", "fifth"]);
  const hashes = entries.map((entry) => entry.hash);
  const logRoot = rootOf(extend(emptyFrontier, hashes, sha256Tree), sha256Tree);
  const stateHash = keccak256(toHex("state"));
  const checkpoint = { coldTerm: 0n, index: 5n, logRoot: `0x${logRoot}`, stateHash } as const;
  const types = {
    Checkpoint: [
      { name: "coldTerm", type: "uint64" },
      { name: "index", type: "uint64" },
      { name: "logRoot", type: "bytes32" },
      { name: "stateHash", type: "bytes32" },
    ],
  } as const;
  const typedData = {
    domain: domain(),
    types,
    primaryType: "Checkpoint",
    message: checkpoint,
  } as const;
  const signatures = await Promise.all(
    nodes.slice(0, 2).map((node) => node.signTypedData(typedData)),
  );
  const certificate = [0b011n, concatHex(signatures)] as const;

  const hashAt = (index: number) => hashes[index - 1] ?? noHash;
  const subtrees = subtreesOf(emptyFrontier, hashAt, sha256Tree);
  for (const [at, entry] of entries.entries()) {
    const path = pathOf({ index: entry.index, size: 5 }, subtrees, sha256Tree);
    const previous = hashes[at - 1] ?? noHash;
    const receipt = [
      BigInt(entry.index),
      `0x${previous}`,
      toHex(entry.bytes),
      path.map((sibling) => `0x${sibling}` as const),
    ] as const;
    expect(await contract.read.verifyReceipt([...receipt, checkpoint, ...certificate])).toBe(true);
    const elsewhere = [BigInt(5 - at), receipt[1], receipt[2], receipt[3]] as const;
    expect(await contract.read.verifyReceipt([...elsewhere, checkpoint, ...certificate])).toBe(
      5 - at === entry.index,
    );
  }
  const { coldTerm, index } = checkpoint;
  const anchored = [coldTerm, index, checkpoint.logRoot, stateHash, ...certificate] as const;
  await succeeds(contract.write.anchor(anchored, { account: owner }));
  expect(await contract.read.latestAnchor()).toMatchObject(checkpoint);
});

/** A log as a leader writes it. */
function logOf(payloads: readonly string[]): readonly Entry[] {
  const entries: Entry[] = [];
  for (const [at, payload] of payloads.entries()) {
    const draft = { index: at + 1, term: term(1), timeMs: 1_700_000_000_000 };
    const body = { kind: "command", payload: utf8ToBytes(payload) } as const;
    entries.push(makeEntry(draft, body, entries.at(-1)?.hash ?? noHash, sha256Chain));
  }
  return entries;
}

function domain() {
  return {
    name: "DstackMembershipNFT",
    version: "1",
    chainId: foundry.id,
    verifyingContract: contract.address,
  } as const;
}

function connect(url: string) {
  return createTestClient({
    mode: "anvil",
    chain: foundry,
    transport: http(url),
    pollingInterval: 10,
  })
    .extend(publicActions)
    .extend(walletActions);
}

/** The address that anvil took, from its own report. */
async function addressOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("expected anvil's output to be piped");
  for await (const line of createInterface({ input: stdout })) {
    const address = /^Listening on (\S+)$/.exec(line)?.[1];
    if (address !== undefined) return `http://${address}`;
  }
  throw new Error("anvil ended before it listened");
}

function contractAt(address: Address) {
  return getContract({ address, abi: membershipAbi, client: chain });
}

async function succeeds(transaction: Promise<Hex>): Promise<void> {
  const { status } = await chain.waitForTransactionReceipt({ hash: await transaction });
  expect(status).toBe("success");
}

function proofOf(node: PrivateKeyAccount, instanceId: Hex) {
  const nodeKey = hexToBytes(node.publicKey.slice(2));
  const purpose = `cluster-node:${instanceId.slice(2)}`;
  const nodeMessage = utf8ToBytes(`${purpose}:${bytesToHex(compressed(nodeKey))}`);
  const appPublicKey = secp256k1.getPublicKey(appKey, false);
  const appMessage = concatBytes(
    utf8ToBytes("dstack-kms-issued:"),
    hexToBytes(contract.address.slice(2)),
    compressed(appPublicKey),
  );
  return {
    derivedPublicKey: toHex(nodeKey.slice(1)),
    appPublicKey: toHex(appPublicKey.slice(1)),
    appSignature: signatureOf(appKey, nodeMessage),
    kmsSignature: signatureOf(kmsKey, appMessage),
  };
}

function compressed(publicKey: Uint8Array): Uint8Array {
  return secp256k1.ProjectivePoint.fromHex(publicKey).toRawBytes(true);
}

function addressOfKey(key: Uint8Array): Address {
  return privateKeyToAccount(toHex(key)).address;
}

/** r, s and a v of 0 or 1, over the raw Keccak hash of the message. */
function signatureOf(key: Uint8Array, message: Uint8Array): Hex {
  const signature = secp256k1.sign(keccak_256(message), key, { lowS: true });
  return toHex(concatBytes(signature.toCompactRawBytes(), Uint8Array.of(signature.recovery)));
}

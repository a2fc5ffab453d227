/**
 * Makes a chain ready for a cluster: deploys the membership contract, gives every node wallet gas
 * and a token, which the operator holds and lends to it. The operator is a development chain's
 * unlocked account; no key is needed or kept.
 *
 * Safe to repeat: with the contract's address it fills up wallets, and lends a token to those alone
 * that never registered, so that a member that was revoked stays so.
 */
import * as AbiConstructor from "ox/AbiConstructor";
import * as AbiFunction from "ox/AbiFunction";
import * as ContractAddress from "ox/ContractAddress";
import * as Value from "ox/Value";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { type Endpoint, rpcEndpoint } from "../../node/src/chain/rpc.ts";
import { membershipBytecode } from "../contracts/membership.bytecode.ts";
import { type AgentAddress, type Candidate, readCandidates } from "./candidates.ts";
import { type MembershipReader, membershipReader, type NodeOnChain } from "./membership.ts";
import { hexAnswer, type Outbox, openOutbox } from "./outbox.ts";
import { callGas, grant } from "./tokens.ts";

export type SetUpRequest = {
  readonly rpcUrl: string;
  /** The nodes' guest agents; with a new contract, these are the genesis members. */
  readonly agents: readonly AgentAddress[];
  /** The contract of an earlier set-up; `null` deploys one. */
  readonly contract: string | null;
  /** For the guest agents, and again for the transactions. */
  readonly timeoutMs: number;
};

export type Deployment = {
  readonly chainId: number;
  readonly contract: string;
  /** 20 bytes, lower-case hex. */
  readonly appId: string;
  /** In the order of the agents. */
  readonly nodes: readonly SetUpNode[];
  /** Whether the contract is new. */
  readonly deployed: boolean;
};

export type SetUpNode = {
  readonly name: string;
  /** Lower case. */
  readonly wallet: string;
  /** As the contract showed it before the set-up. */
  readonly before: NodeOnChain;
};

export type SetUp = (request: SetUpRequest) => Promise<Deployment>;

export class SetUpError extends Error {
  override readonly name = "SetUpError";
}

/** Years of registrations and votes on a development chain. */
const funds = Value.fromEther("100");
const fundsMin = Value.fromEther("1");
/** Of a transfer to a wallet that is no contract. */
const transferGas = 21_000n;
/** More than a cluster of today needs, so that members can be added later. */
const membersMax = 64;
const tokensMax = 1_024n;
const callTimeoutMs = 10_000;
const unknown: NodeOnChain = { standing: "none", tokenId: 0n };

const ownerFunctions = {
  setAppId: AbiFunction.fromAbi(membershipAbi, "setAppId"),
  addComposeHash: AbiFunction.fromAbi(membershipAbi, "addComposeHash"),
  setAllowAnyDevice: AbiFunction.fromAbi(membershipAbi, "setAllowAnyDevice"),
};

/**
 * @throws SetUpError when the contract is gone, a transaction fails, or the agents are not of one app
 * @throws ChainError, EnclaveError when the chain or a guest agent does not answer
 */
export async function setUp(request: SetUpRequest): Promise<Deployment> {
  const { rpcUrl, agents, contract, timeoutMs } = request;
  const rpc = rpcEndpoint(rpcUrl, 0, callTimeoutMs);
  const [candidates, chainId] = await Promise.all([
    readCandidates(agents, timeoutMs),
    hexAnswer(rpc, "eth_chainId", []),
  ]);
  const first = requireOneApp(candidates);
  const outbox = await openOutbox(rpc);

  const found = contract === null ? null : await requireContract(rpc, contract);
  const address = found ?? (await deploy(outbox, first, candidates.length));
  if (found === null) await configure(outbox, address, first);
  const reader = found === null ? null : membershipReader(rpc, found);
  const nodes = await Promise.all(candidates.map((candidate) => look(reader, candidate)));
  await grantTokens(outbox, address, nodes, (await reader?.tokenCount()) ?? 0n);
  for (const node of nodes) await fund(rpc, outbox, node);
  await outbox.settled(timeoutMs);
  return {
    chainId: Number(chainId),
    contract: address,
    appId: first.appId,
    nodes,
    deployed: found === null,
  };
}

async function look(
  reader: MembershipReader | null,
  { name, wallet }: Candidate,
): Promise<SetUpNode> {
  return {
    name,
    wallet: wallet.toLowerCase(),
    before: (await reader?.node(wallet)) ?? unknown,
  };
}

function requireOneApp(candidates: readonly Candidate[]): Candidate {
  const [first, ...others] = candidates;
  if (first === undefined) throw new SetUpError("a cluster has at least one member");
  const stranger = others.find(
    ({ appId, kmsRoot }) => appId !== first.appId || kmsRoot !== first.kmsRoot,
  );
  if (stranger === undefined) return first;
  throw new SetUpError(
    `${stranger.name} belongs to another app or KMS than ${first.name}: one contract admits one app`,
  );
}

async function requireContract(rpc: Endpoint, contract: string): Promise<string> {
  const code = await rpc.call("eth_getCode", [contract, "latest"]);
  if (code !== "0x") return contract;
  throw new SetUpError(
    `there is no contract at ${contract}, where an earlier set-up left one: ` +
      "the chain has lost its state",
  );
}

/** The address is known at once: later transactions need not wait for the block. */
async function deploy(outbox: Outbox, first: Candidate, genesisSize: number): Promise<string> {
  const configuration = {
    name: "dstack cluster node access",
    symbol: "NODE",
    owner: outbox.from,
    kmsRoot: first.kmsRoot as `0x${string}`,
    genesisSize,
    maxMembers: membersMax,
    maxNodes: tokensMax,
    mintPrice: 0n,
  };
  const data = AbiConstructor.encode(AbiConstructor.fromAbi(membershipAbi), {
    bytecode: membershipBytecode,
    args: [configuration],
  });
  const nonce = await outbox.send("deploy the contract", { data });
  return ContractAddress.fromCreate({ from: outbox.from, nonce: BigInt(nonce) });
}

async function configure(outbox: Outbox, address: string, app: Candidate): Promise<void> {
  const { setAppId, addComposeHash, setAllowAnyDevice } = ownerFunctions;
  await outbox.send("accept the app's keys", {
    to: address,
    gas: callGas,
    data: AbiFunction.encodeData(setAppId, [`0x${app.appId}`]),
  });
  await outbox.send("allow the app's compose file", {
    to: address,
    gas: callGas,
    data: AbiFunction.encodeData(addComposeHash, [`0x${app.composeHash}`]),
  });
  // Agents do not know the id of their own device, and those of simulators mean nothing.
  await outbox.send("allow any device", {
    to: address,
    gas: callGas,
    data: AbiFunction.encodeData(setAllowAnyDevice, [true]),
  });
}

async function grantTokens(
  outbox: Outbox,
  contract: string,
  nodes: readonly SetUpNode[],
  tokenCount: bigint,
): Promise<void> {
  const newcomers = nodes.filter(
    ({ before }) => before.standing === "none" && before.tokenId === 0n,
  );
  for (const [position, { name, wallet }] of newcomers.entries()) {
    const tokenId = tokenCount + BigInt(position) + 1n;
    await grant(outbox, contract, { name, wallet, tokenId });
  }
}

async function fund(rpc: Endpoint, outbox: Outbox, node: SetUpNode): Promise<void> {
  const { name, wallet } = node;
  const balance = await hexAnswer(rpc, "eth_getBalance", [wallet, "latest"]);
  if (balance >= fundsMin) return;
  await outbox.send(`fund ${name}'s wallet`, { to: wallet, value: funds, gas: transferGas });
}

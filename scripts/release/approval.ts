/** Which compose hashes the contract allows, and how its owner changes that. */
import * as AbiFunction from "ox/AbiFunction";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { answerAs, type Endpoint, hexText, RpcRefusal } from "../../node/src/chain/rpc.ts";
import { hexAnswer, openOutbox } from "../setup/outbox.ts";

export type Change = "add" | "remove";

/** A call for the owner's own wallet or multisig. */
export type OwnerCall = {
  readonly to: string;
  readonly function: string;
  /** 0x and 64 hex digits. */
  readonly argument: string;
  readonly calldata: string;
};

export type Outcome =
  | { readonly kind: "already"; readonly chainId: number }
  | { readonly kind: "changed"; readonly chainId: number }
  /** The chain signs for nobody, or not for the owner. */
  | { readonly kind: "notSigned"; readonly chainId: number; readonly owner: string };

export type ChangeRequest = {
  readonly rpc: Endpoint;
  readonly contract: string;
  readonly change: Change;
  readonly composeHash: string;
  /** Until the transaction must be mined. */
  readonly timeoutMs: number;
};

const functions = {
  add: AbiFunction.fromAbi(membershipAbi, "addComposeHash"),
  remove: AbiFunction.fromAbi(membershipAbi, "removeComposeHash"),
  allowed: AbiFunction.fromAbi(membershipAbi, "allowedComposeHashes"),
  owner: AbiFunction.fromAbi(membershipAbi, "owner"),
} as const;

/** @param composeHash 64 hex digits, without 0x */
export function ownerCall(contract: string, change: Change, composeHash: string): OwnerCall {
  const argument = `0x${composeHash}` as const;
  return {
    to: contract,
    function: `${functions[change].name}(bytes32)`,
    argument,
    calldata: AbiFunction.encodeData(functions[change], [argument]),
  };
}

/**
 * Sends the change from the owner's account where the chain itself signs for it, as development
 * chains do, waits until it is mined, and reads it back.
 *
 * @throws Error when the contract refuses, or there is none
 * @throws ChainError chain.unreachable
 */
export async function changeApproval(request: ChangeRequest): Promise<Outcome> {
  const { rpc, contract, change, composeHash, timeoutMs } = request;
  await requireContract(rpc, contract);
  const chainId = Number(await hexAnswer(rpc, "eth_chainId", []));
  const wanted = change === "add";
  if ((await isAllowed(rpc, contract, composeHash)) === wanted) return { kind: "already", chainId };

  const ownerAnswer = await ask(rpc, contract, AbiFunction.encodeData(functions.owner));
  const owner = AbiFunction.decodeResult(functions.owner, ownerAnswer).toLowerCase();
  if ((await signer(rpc)) !== owner) return { kind: "notSigned", chainId, owner };

  const outbox = await openOutbox(rpc);
  const { calldata } = ownerCall(contract, change, composeHash);
  await outbox.send(`${change} the compose hash`, { to: contract, data: calldata });
  await outbox.settled(timeoutMs);
  if ((await isAllowed(rpc, contract, composeHash)) !== wanted) {
    throw new Error(`the transaction is mined, yet allowedComposeHashes answers ${!wanted}`);
  }
  return { kind: "changed", chainId };
}

async function isAllowed(rpc: Endpoint, contract: string, composeHash: string): Promise<boolean> {
  const data = AbiFunction.encodeData(functions.allowed, [`0x${composeHash}`]);
  return AbiFunction.decodeResult(functions.allowed, await ask(rpc, contract, data));
}

/** The account for which an outbox sends, in lower case; `null` where a chain signs for nobody. */
async function signer(rpc: Endpoint): Promise<string | null> {
  const accounts = await rpc.call("eth_accounts", []).catch((error: unknown) => {
    if (error instanceof RpcRefusal) return [];
    throw error;
  });
  const [first] = Array.isArray(accounts) ? accounts : [];
  return typeof first === "string" ? first.toLowerCase() : null;
}

async function requireContract(rpc: Endpoint, contract: string): Promise<void> {
  if ((await rpc.call("eth_getCode", [contract, "latest"])) !== "0x") return;
  throw new Error(`there is no contract at ${contract} on this chain`);
}

async function ask(rpc: Endpoint, to: string, data: string): Promise<`0x${string}`> {
  const answer = await rpc.call("eth_call", [{ to, data }, "latest"]);
  return answerAs(hexText, answer, "eth_call of the membership contract") as `0x${string}`;
}

/**
 * What an operator does with its tokens. It holds them and lends each to one node's wallet, so that
 * it can ask for a node's removal when that node can no longer ask itself.
 */
import * as AbiFunction from "ox/AbiFunction";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import type { Outbox } from "./outbox.ts";

/** For calls to a contract that may not be mined yet: no chain can estimate those. */
export const callGas = 400_000n;
const noWallet = `0x${"00".repeat(20)}` as const;

const functions = {
  mintNodeAccess: AbiFunction.fromAbi(membershipAbi, "mintNodeAccess"),
  assign: AbiFunction.fromAbi(membershipAbi, "assign"),
  retire: AbiFunction.fromAbi(membershipAbi, "retire"),
};

export type Grant = {
  /** What the operator calls the node. */
  readonly name: string;
  readonly wallet: string;
  /** The id that the new token will have. */
  readonly tokenId: bigint;
};

/**
 * Mints a token to the operator and lends it to the node's wallet. Neither waits for the other's
 * block: the contract numbers tokens in the order of minting, and nonces keep that order.
 */
export async function grant(outbox: Outbox, contract: string, to: Grant): Promise<void> {
  const { name, wallet, tokenId } = to;
  await outbox.send(`mint ${name}'s token`, {
    to: contract,
    gas: callGas,
    data: AbiFunction.encodeData(functions.mintNodeAccess, [outbox.from, name]),
  });
  await outbox.send(`assign token ${tokenId} to ${name}'s wallet`, {
    to: contract,
    gas: callGas,
    data: AbiFunction.encodeData(functions.assign, [tokenId, wallet as `0x${string}`]),
  });
}

/** Asks for the removal of the node that is registered with the token. */
export async function retire(outbox: Outbox, contract: string, tokenId: bigint): Promise<void> {
  const data = AbiFunction.encodeData(functions.retire, [tokenId]);
  await outbox.send(`retire token ${tokenId}`, { to: contract, data });
}

/** Takes back what was lent: a node that has left cannot register with it again. */
export async function takeBack(outbox: Outbox, contract: string, tokenId: bigint): Promise<void> {
  const data = AbiFunction.encodeData(functions.assign, [tokenId, noWallet]);
  await outbox.send(`take back token ${tokenId}`, { to: contract, data });
}

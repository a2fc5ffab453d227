/** The contract in the hands of its owner and of attackers: sent as whom they like, mined or refused. */
import * as AbiFunction from "ox/AbiFunction";
import { createContractCalls } from "../../../node/src/chain/calls.ts";
import { revertText } from "../../../node/src/chain/errors.ts";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { RpcRefusal, rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import type { BootKey } from "../../../node/src/consensus/ids.ts";
import type { Enclave } from "../../../node/src/tee/enclave.ts";
import { membershipReader } from "../../../scripts/setup/membership.ts";
import { openOutbox } from "../../../scripts/setup/outbox.ts";
import { rpc } from "../../support/anvil.ts";

type Hex = `0x${string}`;
export type Receipt = { readonly status: string; readonly transactionIndex: string };

const gas = "0x1e8480";
const functions = {
  mint: AbiFunction.fromAbi(membershipAbi, "mint"),
  leave: AbiFunction.fromAbi(membershipAbi, "leave"),
  addComposeHash: AbiFunction.fromAbi(membershipAbi, "addComposeHash"),
  removeComposeHash: AbiFunction.fromAbi(membershipAbi, "removeComposeHash"),
};

export type Chain = ReturnType<typeof chainOf>;

export function chainOf(rpcUrl: string, contract: string) {
  const endpoint = rpcEndpoint(rpcUrl, 0, 10_000);
  const reader = membershipReader(endpoint, contract);
  const ask = <T>(method: string, ...params: readonly unknown[]) => rpc<T>(rpcUrl, method, params);

  async function asOwner(purpose: string, data: Hex): Promise<void> {
    const outbox = await openOutbox(endpoint);
    await outbox.send(purpose, { to: contract, data });
    await outbox.settled(10_000);
  }

  return {
    ask,
    reader,
    accounts: () => ask<readonly Hex[]>("eth_accounts"),
    /** @returns the token, held by that wallet, which gets ether too */
    async mint(wallet: string): Promise<bigint> {
      await ask("anvil_setBalance", wallet, "0x8ac7230489e80000");
      await asOwner("mint", AbiFunction.encodeData(functions.mint, [wallet as Hex]));
      return (await reader.node(wallet)).tokenId;
    },
    allow: (hash: string) =>
      asOwner("allow", AbiFunction.encodeData(functions.addComposeHash, [`0x${hash}`])),
    disallow: (hash: string) =>
      asOwner("disallow", AbiFunction.encodeData(functions.removeComposeHash, [`0x${hash}`])),
    leave: (wallet: string) => send(wallet, AbiFunction.encodeData(functions.leave)),
    send,
    /** The custom error that the contract refuses with, lower case; "accepted" when it does not. */
    async refusalOf(from: string, data: string): Promise<string> {
      try {
        await endpoint.call("eth_call", [{ from, to: contract, data, gas }, "latest"]);
        return "accepted";
      } catch (error) {
        if (!(error instanceof RpcRefusal)) throw error;
        return revertText(error.revertData ?? "0x").toLowerCase();
      }
    },
    receipt: (hash: string) => ask<Receipt | null>("eth_getTransactionReceipt", hash),
  };

  /** @returns the transaction's hash; it may not be mined, and may be reverted */
  async function send(from: string, data: string, gasPrice?: bigint): Promise<string> {
    await ask("anvil_impersonateAccount", from);
    const price = gasPrice === undefined ? {} : { gasPrice: `0x${gasPrice.toString(16)}` };
    return await ask("eth_sendTransaction", { from, to: contract, data, gas, ...price });
  }
}

/** What a node of that enclave sends to register. */
export async function registrationData(
  enclave: Enclave,
  tokenId: bigint,
  bootKey: BootKey,
): Promise<string> {
  let encoded = "";
  const calls = createContractCalls(async ({ data }) => {
    encoded = data;
  }, enclave.keyProof);
  await calls.register(tokenId, {
    instanceId: `0x${enclave.instanceId}`,
    bootKey,
    quoteHash: `0x${"51".repeat(32)}`,
    endpoint: "http://127.0.0.1:1",
    peerEndpoint: "127.0.0.1:1",
  });
  return encoded;
}

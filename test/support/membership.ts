/** The real membership contract on a development chain. */
import * as AbiConstructor from "ox/AbiConstructor";
import * as AbiFunction from "ox/AbiFunction";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { membershipBytecode } from "../../scripts/contracts/membership.bytecode.ts";
import type { Anvil } from "./anvil.ts";

export type Membership = {
  readonly contract: string;
  /** One token for each wallet, in order; each wallet gets ether too. */
  admit(wallets: readonly string[]): Promise<void>;
  revoke(tokenId: bigint): Promise<void>;
  /** As that wallet itself asks for it. */
  leave(wallet: string): Promise<void>;
};

type Receipt = { readonly status: string; readonly contractAddress: `0x${string}` | null };
type Deployment = {
  readonly kmsRoot: string;
  /** hex, with or without 0x */
  readonly appId: string;
  readonly genesisSize: number;
};

const ether = 10n ** 18n;

export async function deployMembership(
  anvil: Pick<Anvil, "rpc">,
  deployment: Deployment,
): Promise<Membership> {
  const [owner] = await anvil.rpc<readonly `0x${string}`[]>("eth_accounts");
  if (owner === undefined) throw new Error("anvil has no accounts");

  const data = AbiConstructor.encode(AbiConstructor.fromAbi(membershipAbi), {
    bytecode: membershipBytecode,
    args: [
      {
        name: "Cluster",
        symbol: "NODE",
        owner,
        kmsRoot: deployment.kmsRoot as `0x${string}`,
        genesisSize: deployment.genesisSize,
        maxMembers: 9,
        maxNodes: 20n,
        mintPrice: 0n,
      },
    ],
  });
  const { contractAddress } = await transact(anvil, { from: owner, data });
  if (contractAddress === null) throw new Error("the contract was not created");
  const to = contractAddress;

  const appId: `0x${string}` = `0x${deployment.appId.replace(/^0x/, "")}`;
  const setAppId = AbiFunction.fromAbi(membershipAbi, "setAppId");
  const mint = AbiFunction.fromAbi(membershipAbi, "mint");
  const revoke = AbiFunction.fromAbi(membershipAbi, "revoke");
  const leave = AbiFunction.fromAbi(membershipAbi, "leave");
  await transact(anvil, { from: owner, to, data: AbiFunction.encodeData(setAppId, [appId]) });

  return {
    contract: to,
    async admit(wallets) {
      for (const wallet of wallets) {
        await anvil.rpc("anvil_setBalance", [wallet, `0x${(100n * ether).toString(16)}`]);
        const data = AbiFunction.encodeData(mint, [wallet as `0x${string}`]);
        await transact(anvil, { from: owner, to, data });
      }
    },
    async revoke(tokenId) {
      const data = AbiFunction.encodeData(revoke, [tokenId]);
      await transact(anvil, { from: owner, to, data });
    },
    async leave(wallet) {
      await anvil.rpc("anvil_impersonateAccount", [wallet]);
      await transact(anvil, { from: wallet, to, data: AbiFunction.encodeData(leave) });
      await anvil.rpc("anvil_stopImpersonatingAccount", [wallet]);
    },
  };
}

async function transact(anvil: Pick<Anvil, "rpc">, request: object): Promise<Receipt> {
  const hash = await anvil.rpc<string>("eth_sendTransaction", [request]);
  for (;;) {
    const receipt = await anvil.rpc<Receipt | null>("eth_getTransactionReceipt", [hash]);
    if (receipt === null) {
      await anvil.rpc("evm_mine"); // where blocks come by the clock, the set-up need not wait
      continue;
    }
    if (receipt.status !== "0x1") throw new Error(`transaction ${hash} failed`);
    return receipt;
  }
}

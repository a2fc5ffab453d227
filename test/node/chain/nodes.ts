/** Attested wallets on a real chain with the real contract: what the tests of this folder share. */

import { type ChainOptions, type ClusterChain, openChain } from "../../../node/src/chain/chain.ts";
import { type BootKey, bootKey } from "../../../node/src/consensus/ids.ts";
import type { Registration } from "../../../node/src/runtime/ports.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { type Anvil, type AnvilOptions, startAnvil } from "../../support/anvil.ts";
import { deployMembership, type Membership } from "../../support/membership.ts";
import { recordingCount, recordingLog } from "../../support/recorders.ts";
import { startSimulator } from "../../support/simulator.ts";

export type World = {
  readonly anvil: Anvil;
  readonly membership: Membership;
  readonly enclaves: readonly Enclave[];
  /** The chain as that node sees it. */
  chain(node: number, changes?: Partial<ChainOptions>): Promise<ClusterChain>;
  /** Registers the node under `bootKeyOf(node)`. */
  register(node: number): Promise<ClusterChain>;
  stop(): Promise<void>;
};

export async function startWorld(
  options: { readonly nodes: number; readonly genesisSize: number; readonly tokens?: number },
  anvilOptions: AnvilOptions = {},
): Promise<World> {
  const { nodes, genesisSize, tokens = nodes } = options;
  const [anvil, simulator] = await Promise.all([
    startAnvil(anvilOptions),
    startSimulator({ instances: nodes }),
  ]);
  const { log } = recordingLog();
  const enclaves = await Promise.all(
    simulator.sockets.map((endpoint) => openEnclave({ endpoint, log })),
  );
  const membership = await deployMembership(anvil, { ...simulator, genesisSize });
  await membership.admit(enclaves.slice(0, tokens).map(({ wallet }) => wallet.address));

  async function chain(node: number, changes: Partial<ChainOptions> = {}): Promise<ClusterChain> {
    const { wallet, keyProof } = enclaveOf(node);
    return await openChain({
      rpcUrls: [anvil.url],
      rpcQuorum: 1,
      confirmations: 1,
      contract: membership.contract,
      wallet,
      keyProof,
      digest: sha256Chain,
      log,
      count: recordingCount().count,
      ...changes,
    });
  }

  function enclaveOf(node: number): Enclave {
    const enclave = enclaves[node];
    if (enclave === undefined) throw new Error(`there is no node ${node}`);
    return enclave;
  }

  return {
    anvil,
    membership,
    enclaves,
    chain,
    async register(node) {
      const own = await chain(node);
      const { instanceId } = enclaveOf(node);
      await own.register(BigInt(node + 1), registrationOf(node, instanceId));
      return own;
    },
    async stop() {
      await Promise.all([anvil.stop("SIGKILL"), simulator.stop()]);
    },
  };
}

export function bootKeyOf(node: number): BootKey {
  return bootKey(`${node + 1}`.padStart(64, "b"));
}

export function registrationOf(node: number, instanceId: string): Registration {
  return {
    instanceId,
    bootKey: bootKeyOf(node),
    quoteHash: `0x${"9a".repeat(32)}`,
    endpoint: `http://127.0.0.1:${8081 + node}`,
    peerEndpoint: `127.0.0.1:${9081 + node}`,
  };
}

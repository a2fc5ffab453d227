/** A cluster of three whose peers reach one another through proxies, and whose hosts do as they like. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { memberId } from "../../../node/src/consensus/ids.ts";
import type { BootProof } from "../../../node/src/runtime/attestation.ts";
import type { Command } from "../../../scripts/cluster/child.ts";
import type { Cluster } from "../../../scripts/cluster/handle.ts";
import { startCluster } from "../../../scripts/cluster/launch.ts";
import { guestSocket } from "../../../scripts/cluster/layout.ts";
import { nodePortsOf } from "../../../scripts/cluster/ports.ts";
import { readRecord } from "../../../scripts/cluster/record.ts";
import { type Counter, getJson, increment, type Status } from "../../support/clients.ts";
import type { Contract } from "./attacker.ts";
import { chainOf } from "./contract.ts";
import { patience } from "./patience.ts";
import { startPeerProxy } from "./peerProxy.ts";
import { type Witness, witnessAt } from "./witness.ts";

type Environment = Readonly<Record<string, string>>;
export type Row = { readonly slot: number; readonly endpoint: string; readonly bootKey: string };
export type Arena = Awaited<ReturnType<typeof startArena>>;

const positions = [0, 1, 2] as const;
/** Lists are looked at often, and a machine that is busy is no reason for another leader. */
const nodeEnvironment = {
  CHECKPOINT_MS: "500",
  REATTEST_EVERY_MS: "2000",
  SUSPECT_AFTER_MS: "3000",
  CALL_MS_MAX: "4000",
};

export async function startArena(basePort: number) {
  const dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  const peerPort = (position: number) => nodePortsOf(basePort, position + 1).peer;
  const proxies = await Promise.all(
    positions.map((position) => startPeerProxy({ kind: "relay", port: peerPort(position) })),
  );
  const overrides = new Map<number, Environment>();
  const commands = new Map<number, Command>();
  const reports: string[] = [];
  const adaptNode = (number: number, command: Command): Command => {
    const proxied = proxies[number - 1]?.endpoint;
    const own = proxied === undefined ? {} : { PEER_ENDPOINT: proxied };
    const env = { ...command.env, ...own, ...overrides.get(number - 1) };
    commands.set(number - 1, { ...command, env });
    return { ...command, env };
  };
  const options = { dataDir, nodeCount: 3, basePort, nodeEnvironment, adaptNode };
  const cluster = await startCluster({ ...options, report: (line) => reports.push(line) });
  return {
    ...viewsOf(cluster),
    cluster,
    reports,
    peerPort,
    chain: chainOf(cluster.rpcUrl, cluster.deployment.contract),
    /** What its process was started with last. */
    commandOf: (position: number): Command => commands.get(position) ?? expect.unreachable(),
    proxyOf: (position: number) => proxies[position] ?? expect.unreachable(),
    /** Over what the launcher starts it with, from its next start on. */
    override(position: number, environment: Environment): void {
      overrides.set(position, environment);
    },
    async stop(): Promise<void> {
      await cluster.stop();
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function viewsOf(cluster: Cluster) {
  const node = (position: number) => cluster.nodes[position] ?? expect.unreachable();
  const url = (position: number): string => node(position).url;
  const status = (position: number) => getJson<Status>(`${url(position)}/status`);
  const { chainId, contract } = cluster.deployment;
  const of: Contract = { chainId, contract: contract.toLowerCase() };

  async function leader(): Promise<number> {
    await expect.poll(async () => (await status(0)).leader, patience).not.toBeNull();
    const endpoint = (await status(0)).leader?.endpoint;
    return cluster.nodes.findIndex((one) => one.url === endpoint);
  }

  return {
    of,
    url,
    status,
    leader,
    /** Two members that follow. */
    async followers(): Promise<readonly [number, number]> {
      const leading = await leader();
      const [first = 1, second = 2] = positions.filter((position) => position !== leading);
      return [first, second];
    },
    witness: (position: number): Promise<Witness> => witnessAt(node(position)),
    members: (position: number) => getJson<readonly Row[]>(`${url(position)}/members`),
    /** As this member has applied it. */
    counterAt: (position: number) => getJson<Counter>(`${url(position)}/counter?consistency=local`),
    term: async () => (await status(0)).term,
    agentOf: (position: number) =>
      guestSocket(readRecord(cluster.layout.record)?.socketDir ?? "", node(position).name),
    /** A member's proof, as it shows it to everyone. */
    async proofOf(position: number): Promise<BootProof> {
      const shown = await getJson<BootProof>(`${url(position)}/attestation`);
      const { wallet, bootKey, blockNumber, blockHash, quote, eventLog } = shown;
      const { signature, keyProof } = shown;
      const words = { bootKey, blockNumber, blockHash, quote, eventLog, signature, keyProof };
      return { wallet: memberId(wallet), ...words };
    },
    /** Every one of the three takes an increment, in this term. */
    async goesOn(term: number): Promise<void> {
      for (const position of positions) {
        expect((await increment(url(position))).term).toBe(term);
      }
      expect((await status(0)).term).toBe(term);
    },
  };
}

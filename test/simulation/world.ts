/** A whole cluster in one place: hosts, network, chain, clients, and the oracle that watches. */

import type { BootKey } from "../../node/src/consensus/ids.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import { type Chain, createChain } from "./chain.ts";
import { emptyLedger } from "./contract/ledger.ts";
import { fastDigest, fastTree } from "./digest.ts";
import { createHost, type Host } from "./host.ts";
import { createOracle, type Oracle } from "./invariants.ts";
import { createNetwork, type Network } from "./network.ts";
import type { Process } from "./process.ts";
import { createQueue, type Queue } from "./queue.ts";
import { type Random, randomOf } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { createTrace, type Trace } from "./trace.ts";

export type World = {
  readonly scenario: Scenario;
  readonly queue: Queue;
  readonly trace: Trace;
  readonly network: Network;
  readonly chain: Chain;
  readonly oracle: Oracle;
  /** One a site. */
  readonly hosts: readonly Host[];
  readonly processOf: Map<BootKey, Process>;
  /** Boots whose enrolment is over: the contract listed them, or another boot of their member. */
  readonly enrolled: Set<BootKey>;
  /** Boots that an endpoint has lied to, or shown what was before term 1. */
  readonly misled: Set<BootKey>;
  /** Boots that attestation refuses, and for how many reasons at the moment. */
  readonly refused: Map<BootKey, number>;
  /** Which process answers each sender at a site, where it is not the newest. */
  readonly routes: Map<string, Process>;
  readonly random: Random;
  readonly nameOf: (key: BootKey) => string;
  readonly tally: Tally;
  /** Set once all faults are over and mended. */
  readonly calm: { now: boolean };
};

/** What became of the cluster, counted in blocks mined. */
export type Tally = { coldStarts: number; admitted: number; removed: number; anchored: number };

/** @param allows whether the fault model has room for what the contract would show next */
export function createWorld(
  scenario: Scenario,
  recording: boolean,
  allows: (world: World, roster: Roster) => boolean,
): World {
  const random = randomOf(scenario.seed).fork(3);
  const queue = createQueue();
  const trace = createTrace(recording, queue.nowMs);
  const { memberCount, siteCount, confirmations, writeMs } = scenario;
  const processOf = new Map<BootKey, Process>();
  const world: World = {
    scenario,
    queue,
    trace,
    oracle: createOracle(fastDigest, fastTree),
    hosts: Array.from({ length: siteCount }, (_, site) => createHost(site, writeMs)),
    processOf,
    enrolled: new Set(),
    misled: new Set(),
    refused: new Map(),
    routes: new Map(),
    random,
    nameOf: (key) => processOf.get(key)?.name ?? key.slice(0, 8),
    calm: { now: false },
    tally: { coldStarts: 0, admitted: 0, removed: 0, anchored: 0 },
    network: createNetwork({
      settings: scenario.network,
      random: random.fork(4),
      nowMs: queue.nowMs,
      after: queue.after,
    }),
    chain: createChain({
      genesis: emptyLedger(memberCount, fastDigest),
      random: random.fork(5),
      nowMs: queue.nowMs,
      note: trace.note,
      siteCount,
      confirmations,
      allows: (roster) => allows(world, roster),
    }),
  };
  every(world, scenario.blockMs, () => {
    mine(world);
    return true;
  });
  return world;
}

export function mine({ chain, oracle, tally }: World): void {
  const before = chain.head();
  chain.mine();
  const after = chain.head();
  if (after === before) return;
  oracle.shows(after);
  const grown = after.roster.members.length - before.roster.members.length;
  if (after.coldTerm > before.coldTerm) tally.coldStarts += 1;
  if (before.term > 0 && grown > 0) tally.admitted += grown;
  if (grown < 0) tally.removed -= grown;
  if (after.anchor !== before.anchor) tally.anchored += 1;
}

/** Repeats until `run` returns false. */
export function every(world: World, intervalMs: number, run: () => boolean): void {
  world.queue.after(intervalMs, () => {
    if (run()) every(world, intervalMs, run);
  });
}

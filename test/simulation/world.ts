/** A whole cluster in one place: hosts, network, chain, clients, and the oracle that watches. */

import type { Send } from "../../node/src/consensus/effect.ts";
import { type Boot, type BootKey, bootKey } from "../../node/src/consensus/ids.ts";
import type { Input } from "../../node/src/consensus/input.ts";
import {
  boot as bootReplica,
  type Replica,
  type Setup,
  type Step,
} from "../../node/src/consensus/replica.ts";
import { memberOf } from "../../node/src/consensus/roster.ts";
import { type Chain, createChain } from "./chain.ts";
import { type Channels, createChannels } from "./channels.ts";
import { describeAck, describeEffect, describeInput } from "./describe.ts";
import { fastDigest } from "./digest.ts";
import { type Disk, remember } from "./disk.ts";
import { createHost, type Host, reviewRightDisk } from "./host.ts";
import { createOracle, type Oracle } from "./invariants.ts";
import { emptyLedger, register } from "./ledger.ts";
import { createNetwork, type Network } from "./network.ts";
import { petition } from "./petitions.ts";
import { createProcess, type Process } from "./process.ts";
import { createQueue, type Queue } from "./queue.ts";
import { type Random, randomOf } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { createTrace, type Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

export type World = {
  readonly scenario: Scenario;
  readonly queue: Queue;
  readonly trace: Trace;
  readonly network: Network;
  readonly chain: Chain;
  readonly oracle: Oracle;
  readonly hosts: readonly Host[];
  readonly processOf: Map<BootKey, Process>;
  /** Which process answers each sender at a member's address, where it is not the newest. */
  readonly routes: Map<string, Process>;
  readonly random: Random;
  readonly nameOf: (key: BootKey) => string;
  readonly coldStarts: () => number;
};

export function createWorld(scenario: Scenario, recording: boolean): World {
  const random = randomOf(scenario.seed).fork(3);
  const queue = createQueue();
  const trace = createTrace(recording, queue.nowMs);
  const { memberCount, writeMs } = scenario;
  const processOf = new Map<BootKey, Process>();
  const nameOf = (key: BootKey) => processOf.get(key)?.name ?? key.slice(0, 8);
  const oracle = createOracle(fastDigest);
  const hosts = Array.from({ length: memberCount }, (_, slot) => createHost(slot, writeMs));
  const world: World = {
    scenario,
    queue,
    trace,
    oracle,
    hosts,
    processOf,
    routes: new Map(),
    random,
    nameOf,
    coldStarts: () => coldStarts,
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
      memberCount,
    }),
  };
  let coldStarts = 0;
  every(world, scenario.blockMs, () => {
    const { coldTerm } = world.chain.head();
    world.chain.mine();
    if (world.chain.head().coldTerm > coldTerm) coldStarts += 1;
    return true;
  });
  return world;
}

/** Repeats until `run` returns false. */
export function every(world: World, intervalMs: number, run: () => boolean): void {
  world.queue.after(intervalMs, () => {
    if (run()) every(world, intervalMs, run);
  });
}

/** Starts one more process of this member: a new boot with a new key. */
export function startProcess(world: World, host: Host, disk: Disk): Process {
  const { queue, scenario, oracle, trace } = world;
  host.bootCount += 1;
  const ordinal = host.bootCount;
  const key = `b${host.slot}${String(ordinal).padStart(4, "0")}`.padEnd(64, "0");
  const boot: Boot = { member: host.member, bootKey: bootKey(key) };
  const process: Process = createProcess({
    boot,
    name: `${"ABCDEFGHIJ"[host.slot]}${ordinal}`,
    slot: host.slot,
    replica: bootReplica(setupOf(scenario, boot), remember(disk, fastDigest), clockOf(world, host)),
    disk,
    snapshotEvery: scenario.snapshotEvery,
    writeMs: () => host.writeMs * (0.5 + world.random.float()),
    after: queue.after,
    send: (from, effect) => send(world, channels, from, effect),
    petition: (from, effect) => petition(world, from, effect),
    refreshView: (from) => readView(world, from),
    halted: (halting, reason, detail) => onHalt(world, host, halting, { reason, detail }),
    watch: watchOf(world),
  });
  const channels = createChannels(process, {
    memberCount: scenario.memberCount,
    answering: (slot) => answering(world, process, slot),
  });
  host.processes.push(process);
  world.processOf.set(boot.bootKey, process);
  oracle.booted(process);
  trace.note(() => `${process.name} starts${describeDisk(process.replica())}`);
  keepGoing(world, host, process, channels);
  return process;
}

function setupOf(scenario: Scenario, self: Boot): Setup {
  const { heartbeatMs, batchBytesMax, chunkBytesMax, batchesInFlightMax, retainedEntries } =
    scenario;
  return {
    self,
    digest: fastDigest,
    heartbeatMs,
    suspectAfterMs: heartbeatMs * 10,
    voteFallbackMs: heartbeatMs * 20,
    termWindow: 1_000,
    coldStart: "all",
    batchBytesMax,
    chunkBytesMax,
    batchesInFlightMax,
    retainedEntries,
  };
}

/** Ticks, looks at the contract, and channels, for as long as the process lives. */
function keepGoing(world: World, host: Host, process: Process, channels: Channels): void {
  const { heartbeatMs } = world.scenario;
  const { random, queue } = world;
  const tick = () => {
    if (!process.alive()) return false;
    if (!process.paused()) {
      const monotonicMs = clockOf(world, host);
      process.input({ kind: "tick", monotonicMs, wallMs: Math.round(queue.nowMs()) });
    }
    return true;
  };
  const look = () => {
    readView(world, process);
    return process.alive();
  };
  const review = () => {
    if (process.replica().view !== null) channels.review();
    return process.alive();
  };
  queue.after(heartbeatMs * random.float(), () => every(world, heartbeatMs / 2, tick));
  queue.after(heartbeatMs * random.float(), () => every(world, heartbeatMs * 2, review));
  queue.after(heartbeatMs * random.float(), () => every(world, heartbeatMs * 5, look));
}

function clockOf({ queue }: World, host: Host): number {
  return queue.nowMs() + host.clockOffsetMs;
}

/** Ends a process as `kill -9` or a power cut does. */
export function endProcess(world: World, process: Process): void {
  const host = world.hosts[process.slot];
  if (host === undefined || !process.alive()) return;
  reviewRightDisk(host);
  process.crash(world.random);
  host.processes.splice(host.processes.indexOf(process), 1);
  world.oracle.ended(process);
  world.trace.note(() => `${process.name} ends`);
}

function answering(world: World, from: Process, slot: number): Boot | null {
  const host = world.hosts[slot];
  if (host === undefined || world.network.isCut(from.slot, slot)) return null;
  const routed = world.routes.get(`${from.name}>${slot}`);
  const process = routed?.alive() ? routed : host.processes.at(-1);
  return process?.boot ?? null;
}

function send(world: World, channels: Channels, from: Process, { to, message }: Send): void {
  if (!channels.reaches(to)) return;
  const target = world.processOf.get(to.bootKey);
  if (target === undefined) return;
  const path = { from: from.slot, to: target.slot, key: `${from.name}>${target.name}` };
  world.network.carry(path, () => target.input({ kind: "received", from: from.boot, message }));
}

/** Reads the contract through the member's endpoint, and registers while genesis collects. */
function readView(world: World, process: Process): void {
  const { queue, chain, random } = world;
  queue.after(world.scenario.heartbeatMs * 0.3 * random.float(), () => {
    const view = chain.read(process.slot);
    if (view === null || !process.alive()) return;
    process.input({ kind: "view", view });
    const isListed = memberOf(view.roster, process.boot.member) !== undefined;
    if (view.term === 0 && !isListed) sendRegistration(world, process);
  });
}

function sendRegistration({ chain, oracle }: World, process: Process): void {
  const { slot, boot, name } = process;
  chain.send(slot, {
    name: `registration of ${name}`,
    call: register({ slot, id: boot.member, bootKey: boot.bootKey }, fastDigest),
    onMined: () => {
      if (!process.alive()) return;
      oracle.registered(boot.bootKey);
      process.input({ kind: "registered" });
    },
  });
}

function onHalt(
  world: World,
  host: Host,
  process: Process,
  { reason, detail }: { readonly reason: string; readonly detail: string },
): void {
  if (reason === "invariant") throw new Violation("no replica halts", `${process.name}: ${detail}`);
  const { disk } = process;
  endProcess(world, process);
  if (host.processes.length > 0) return;
  // A supervisor starts it again, as a new boot.
  host.awaited.add(disk);
  world.queue.after(world.scenario.heartbeatMs * 5, () => {
    host.awaited.delete(disk);
    if (host.processes.length === 0) startProcess(world, host, disk);
  });
}

/** For one process: the oracle, and the trace. */
function watchOf(world: World): Oracle {
  const { oracle, trace } = world;
  const lastAck = { said: "" };
  return {
    ...oracle,
    stepped(process, before, input, taken) {
      if (trace.recording) tell(world, lastAck, { process, before, input, taken });
      oracle.stepped(process, before, input, taken);
    },
  };
}

function tell(
  { trace, nameOf }: World,
  lastAck: { said: string },
  told: {
    readonly process: Process;
    readonly before: Replica;
    readonly input: Input;
    readonly taken: Step;
  },
): void {
  const { process, before, input, taken } = told;
  const isOldNews = input.kind === "view" && input.view === before.view;
  const said = isOldNews ? null : describeInput(input, nameOf);
  if (said !== null) trace.note(() => `${process.name} <- ${said()}`);
  for (const effect of taken.effects) {
    const asked = describeEffect(effect, nameOf);
    if (asked !== null) trace.note(() => `${process.name}      ${asked()}`);
    const ack = describeAck(effect, lastAck.said, nameOf);
    if (ack === null) continue;
    lastAck.said = ack;
    trace.note(() => `${process.name}      ${ack}`);
  }
  const { status } = taken.replica;
  if (status !== before.status) trace.note(() => `${process.name} is ${status}`);
}

function describeDisk({ log, promised, snapshot }: Replica): string {
  const { index, term } = log.last;
  return ` with a log up to ${index} of term ${term}, a promise of ${promised?.term ?? "none"}${
    snapshot === null ? "" : `, a snapshot at ${snapshot.at.index}`
  }`;
}

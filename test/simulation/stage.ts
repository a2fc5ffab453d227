/** A world without chance faults, played by hand: for schedules that random seeds rarely hit. */
import { counter } from "../../node/src/application/counter/counter.ts";
import { copyOf, type Disk } from "./disk.ts";
import { submitTo } from "./gateway.ts";
import { handOver } from "./ledger.ts";
import type { Process } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import { isWell, runUntil } from "./simulate.ts";
import { createWorld, endProcess, startProcess, type World } from "./world.ts";

export type Stage = {
  readonly world: World;
  readonly heartbeatMs: number;
  /** The newest process of this member. */
  process(slot: number): Process;
  /** @throws Error with `what` when it does not come within `heartbeats` */
  until(what: string, isDone: () => boolean, heartbeats?: number): void;
  run(heartbeats: number): void;
  /** All members are normal and follow the leader whom the contract names. */
  untilWell(): void;
  /** Raises the counter at this member; undefined when no answer comes in time. */
  increment(slot: number, by: number): number | undefined;
  /** A linearizable read at this member. */
  read(slot: number): number | undefined;
  /** Ends the newest process. */
  crash(slot: number): Disk;
  start(slot: number, disk: Disk): Process;
  /** One more process of this member, from a copy of its newest process's disk. */
  clone(slot: number): Process;
  /** Cuts both directions between the members of `a` and `b`; returns the mending. */
  part(a: readonly number[], b: readonly number[]): () => void;
  /** The contract names this member leader of the next term. */
  elect(slot: number): void;
};

const calmScenario: Omit<Scenario, "memberCount"> = {
  seed: 1,
  heartbeatMs: 100,
  faultsMs: 0,
  network: { delayMs: 1, jitterMs: 1, loss: 0, duplication: 0, ordered: true },
  writeMs: 1,
  blockMs: 20,
  clientCount: 0,
  thinkMs: 100,
  snapshotEvery: 1_000,
  retainedEntries: 100,
  batchBytesMax: 100_000,
  chunkBytesMax: 100_000,
  batchesInFlightMax: 64,
  faults: [],
};

/** Starts all members and waits until member 0 leads term 1. */
export function setStage(
  memberCount: number,
  changes: Partial<Scenario> = {},
  recording = false,
): Stage {
  const world = createWorld({ ...calmScenario, memberCount, ...changes }, recording);
  const stage = stageOf(world);
  for (const host of world.hosts) if (host.rightDisk) startProcess(world, host, host.rightDisk);
  stage.untilWell();
  return stage;
}

function stageOf(world: World): Stage {
  const { queue, network, hosts, scenario } = world;
  const { heartbeatMs } = scenario;
  const hostOf = (slot: number) => {
    const host = hosts[slot];
    if (host === undefined) throw new Error(`there is no member ${slot}`);
    return host;
  };
  const process = (slot: number) => {
    const newest = hostOf(slot).processes.at(-1);
    if (newest === undefined) throw new Error(`member ${slot} has no process`);
    return newest;
  };
  const run = (heartbeats: number) =>
    void runUntil(world, queue.nowMs() + heartbeats * heartbeatMs, () => false);
  const until: Stage["until"] = (what, isDone, heartbeats = 400) => {
    const untilMs = queue.nowMs() + heartbeats * heartbeatMs;
    while (!isDone()) {
      if (!queue.runNext(untilMs)) throw new Error(`not within ${heartbeats} heartbeats: ${what}`);
    }
  };
  return {
    world,
    heartbeatMs,
    process,
    until,
    run,
    untilWell: () => until("the cluster is well", () => isWell(world), 2_000),
    increment: (slot, by) => call(world, slot, { kind: "increment", by }),
    read: (slot) => call(world, slot, { kind: "read" }),
    crash(slot) {
      const { disk } = process(slot);
      endProcess(world, process(slot));
      return disk;
    },
    start: (slot, disk) => startProcess(world, hostOf(slot), disk),
    clone: (slot) => startProcess(world, hostOf(slot), copyOf(process(slot).disk)),
    part(a, b) {
      const mend = a.flatMap((from) =>
        b.flatMap((to) => [network.cut(from, to), network.cut(to, from)]),
      );
      return () => mend.forEach((one) => void one());
    },
    elect: (slot) => elect(world, slot),
  };
}

let calls = 0;

function call(
  world: World,
  slot: number,
  operation: { readonly kind: "increment"; readonly by: number } | { readonly kind: "read" },
): number | undefined {
  let value: number | undefined;
  calls += 1;
  submitTo(world)({
    slot,
    operation,
    key: operation.kind === "read" ? null : `call-${calls}`,
    reply: (answer) => {
      if (answer.kind === "value") value = answer.value;
    },
  });
  runUntil(world, world.queue.nowMs() + 50 * world.scenario.heartbeatMs, () => value !== undefined);
  return value;
}

function elect({ chain }: World, slot: number): void {
  const { leader: sender, term, roster } = chain.head();
  const successor = roster.members[slot]?.id;
  if (sender === null || successor === undefined) throw new Error("there is no such election");
  chain.send(slot, { name: "election", call: handOver({ sender, term, successor }) });
  chain.mine();
}

/** The counter as this process has applied it. */
export function valueAt(process: Process): number {
  return counter.query(process.applied.machine().states.counter, "value");
}

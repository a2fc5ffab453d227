/** A world without chance faults, played by hand: for schedules that random seeds rarely hit. */
import { counter } from "../../node/src/application/counter/counter.ts";
import type { Transaction } from "./chain.ts";
import { handOver } from "./contract/terms.ts";
import { copyOf, type Disk } from "./disk.ts";
import { submitTo } from "./gateway.ts";
import { endProcess, startProcess } from "./machines.ts";
import { letterAt, memberAt } from "./names.ts";
import type { Process } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import { runUntil } from "./simulate.ts";
import { Violation } from "./violation.ts";
import { describeState, isWell } from "./wellness.ts";
import { createWorld, mine, type World } from "./world.ts";

export type Stage = {
  readonly world: World;
  readonly heartbeatMs: number;
  /** The newest process at this site. */
  process(site: number): Process;
  /** @throws Error with `what` when it does not come within `heartbeats` */
  until(what: string, isDone: () => boolean, heartbeats?: number): void;
  run(heartbeats: number): void;
  /** All members are normal and follow the leader whom the contract names. */
  untilWell(): void;
  untilActive(process: Process): void;
  /** Raises the counter at this site; undefined when no answer comes in time. */
  increment(site: number, by: number): number | undefined;
  /** A linearizable read at this site. */
  read(site: number): number | undefined;
  /**
   * Reads at each site.
   *
   * @throws Violation when an answer lacks an acknowledged write, or has what nobody wrote
   */
  expectValue(value: number, sites: readonly number[]): void;
  /** Ends the newest process. */
  crash(site: number): Disk;
  start(site: number, disk: Disk): Process;
  /** One more process of this member, from a copy of its newest process's disk. */
  clone(site: number): Process;
  /** Cuts both directions between the sites of `a` and `b`; returns the mending. */
  part(a: readonly number[], b: readonly number[]): () => void;
  /** The contract names this member leader of the next term. */
  elect(site: number): void;
  /** A block with this transaction alone. */
  mine(transaction: Transaction): void;
};

const calmScenario: Omit<Scenario, "memberCount" | "siteCount"> = {
  seed: 1,
  coldStart: "all",
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
  checkpointEvery: 1_000_000,
  checkpointMs: 1_000_000,
  anchorEveryMs: null,
  removeAfterMs: null,
  confirmations: 1,
  faults: [],
};

export type SetStage = (memberCount: number, changes?: Partial<Scenario>) => Stage;

/** Starts all members, in order, and waits until the first leads term 1. */
export function setStage(
  memberCount: number,
  changes: Partial<Scenario> = {},
  recording = false,
): Stage {
  const scenario = { ...calmScenario, memberCount, siteCount: memberCount, ...changes };
  const world = createWorld(scenario, recording, () => true);
  const stage = stageOf(world);
  for (const host of world.hosts.slice(0, memberCount)) {
    host.purpose = "serving";
    if (host.rightDisk) startProcess(world, host, host.rightDisk);
    const isListed = () => world.chain.head().roster.members.some(({ id }) => id === host.member);
    stage.until(`${letterAt(host.site)} registers`, isListed);
  }
  stage.untilWell();
  return stage;
}

function stageOf(world: World): Stage {
  const { queue, network, hosts, scenario } = world;
  const { heartbeatMs } = scenario;
  const hostOf = (site: number) => {
    const host = hosts[site];
    if (host === undefined) throw new Error(`there is no site ${site}`);
    return host;
  };
  const process = (site: number) => {
    const newest = hostOf(site).processes.at(-1);
    if (newest === undefined) throw new Error(`there is no process of ${letterAt(site)}`);
    return newest;
  };
  const run = (heartbeats: number) =>
    void runUntil(world, queue.nowMs() + heartbeats * heartbeatMs, () => false);
  const until: Stage["until"] = (what, isDone, heartbeats = 400) => {
    const untilMs = queue.nowMs() + heartbeats * heartbeatMs;
    while (!isDone()) {
      if (queue.runNext(untilMs)) continue;
      throw new Error(`not within ${heartbeats} heartbeats: ${what}; ${describeState(world)}`);
    }
  };
  const mineOnly = (transaction: Transaction) => {
    world.chain.send(null, transaction);
    mine(world);
  };
  return {
    world,
    heartbeatMs,
    process,
    until,
    run,
    mine: mineOnly,
    ...callsOn(world),
    untilWell: () => until("the cluster is well", () => isWell(world), 2_000),
    untilActive: ({ name, replica }) =>
      until(`${name} is active`, () => replica().office?.stage === "active"),
    crash(site) {
      const { disk } = process(site);
      endProcess(world, process(site));
      return disk;
    },
    start: (site, disk) => startProcess(world, hostOf(site), disk),
    clone: (site) => startProcess(world, hostOf(site), copyOf(process(site).disk)),
    part(a, b) {
      const mend = a.flatMap((from) =>
        b.flatMap((to) => [network.cut(from, to), network.cut(to, from)]),
      );
      return () => mend.forEach((one) => void one());
    },
    elect(site) {
      const { leader, term } = world.chain.head();
      if (leader === null) throw new Error("expected a leader, to hand over");
      const change = { sender: leader, term, successor: memberAt(site) };
      mineOnly({ name: "election", call: handOver(change) });
    },
  };
}

function callsOn(world: World): Pick<Stage, "increment" | "read" | "expectValue"> {
  const read = (site: number) => call(world, site, { kind: "read" });
  return {
    read,
    increment: (site, by) => call(world, site, { kind: "increment", by }),
    expectValue(value, sites) {
      for (const site of sites) {
        const seen = read(site);
        if (seen === value) continue;
        const detail = `${letterAt(site)} reads ${seen ?? "nothing"} where ${value} was written`;
        if (seen === undefined) throw new Error(detail);
        throw new Violation("client histories are linearizable", detail);
      }
    },
  };
}

let calls = 0;

function call(
  world: World,
  site: number,
  operation: { readonly kind: "increment"; readonly by: number } | { readonly kind: "read" },
): number | undefined {
  const { queue, scenario } = world;
  const untilMs = queue.nowMs() + 50 * scenario.heartbeatMs;
  let value: number | undefined;
  calls += 1;
  const key = operation.kind === "read" ? null : `call-${calls}`;
  const ask = () =>
    submitTo(world)({
      site,
      operation,
      key,
      reply(answer) {
        if (answer.kind === "value") value = answer.value;
        else if (queue.nowMs() < untilMs) queue.after(scenario.heartbeatMs, ask);
      },
    });
  ask();
  runUntil(world, untilMs, () => value !== undefined);
  return value;
}

/** The counter as this process has applied it. */
export function valueAt(process: Process): number {
  return counter.query(process.applied.machine().states.counter, "value");
}

/** Runs one scenario to its end: faults, mending, recovery, judgement of what clients saw. */
import { recall } from "../../node/src/application/keys.ts";
import { type CounterInput, counterModel } from "../../scripts/chaos/judge/counterModel.ts";
import { checkLinearizable } from "../../scripts/chaos/judge/linearizability.ts";
import { type Client, createClient } from "./client.ts";
import { blankDisk } from "./disk.ts";
import { strike } from "./faults.ts";
import { sitesToAsk, submitTo } from "./gateway.ts";
import { endProcess, startProcess } from "./machines.ts";
import { letterAt } from "./names.ts";
import { makeRoomFor, reviewHosts } from "./operators.ts";
import type { Scenario } from "./scenario.ts";
import { Violation } from "./violation.ts";
import { checkEqualMachines, describeState, isAtALoss, isNeeded, isWell } from "./wellness.ts";
import { createWorld, every, type Tally, type World } from "./world.ts";

export type Outcome = {
  readonly violation: { readonly invariant: string; readonly detail: string } | null;
  /** Recorded only when asked for. */
  readonly trace: readonly string[];
  readonly simulatedMs: number;
  readonly events: number;
  readonly operations: number;
  readonly terms: number;
  readonly tally: Tally;
  readonly committed: number;
  /** From the mending until all were normal and the leader active; in suspicion times. */
  readonly recovery: number;
};

/** Patience with a cluster that faults have left alone, in suspicion times. */
const recoveryMax = 200;
/** For how long a recovered cluster must keep its leader, in suspicion times. */
const calm = 10;

export function simulate(scenario: Scenario, recording = false): Outcome {
  const world = createWorld(scenario, recording, makeRoomFor);
  const clients = createClients(world);
  const progress = { recovery: 0 };
  let violation: Outcome["violation"] = null;
  try {
    runToEnd(world, clients, progress);
  } catch (error) {
    violation = describe(error);
    world.trace.note(() => `VIOLATION ${violation?.detail}`);
  }
  return {
    violation,
    trace: world.trace.lines(),
    simulatedMs: world.queue.nowMs(),
    events: world.queue.count(),
    operations: clients.reduce((sum, client) => sum + client.completed(), 0),
    terms: world.chain.head().term,
    tally: world.tally,
    committed: world.oracle.committedTo(),
    recovery: progress.recovery,
  };
}

const livenessInvariants: readonly string[] = [
  "the cluster recovers",
  "a healthy leader is not deposed",
  "the cluster serves again",
];

/** True for what must come about in the end; the others are what must never happen. */
export const isLiveness = (invariant: string): boolean => livenessInvariants.includes(invariant);

/** Whatever else is thrown is the core's: bad luck must not make it throw. */
function describe(error: unknown): NonNullable<Outcome["violation"]> {
  if (error instanceof Violation) return { invariant: error.invariant, detail: error.message };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { invariant: "the core does not throw", detail };
}

function runToEnd(world: World, clients: readonly Client[], progress: { recovery: number }): void {
  const { scenario, queue, hosts, random } = world;
  const suspectAfterMs = scenario.heartbeatMs * 10;
  for (const host of hosts.slice(0, scenario.memberCount)) {
    host.purpose = "serving";
    queue.after(suspectAfterMs * random.float(), () => {
      if (!world.calm.now) startProcess(world, host, host.rightDisk ?? blankDisk());
    });
  }
  every(world, suspectAfterMs, () => {
    reviewHosts(world);
    return true;
  });
  for (const fault of scenario.faults) {
    queue.after(suspectAfterMs + fault.atMs, () => strike(world, fault));
  }
  for (const client of clients) client.start();
  runUntil(world, suspectAfterMs + scenario.faultsMs, () => false);

  world.calm.now = true;
  mend(world);
  const mendedMs = queue.nowMs();
  const recovered = runUntil(world, mendedMs + recoveryMax * suspectAfterMs, steadyFor(world));
  progress.recovery = (queue.nowMs() - mendedMs) / suspectAfterMs;
  if (!recovered && isAtALoss(world)) return;
  if (!recovered) throw new Violation("the cluster recovers", describeState(world));

  const { term } = world.chain.head();
  const completed = clients.map((client) => client.completed());
  runUntil(world, queue.nowMs() + calm * suspectAfterMs, () => false);
  if (world.chain.head().term !== term) {
    throw new Violation("a healthy leader is not deposed", `term ${term} ended`);
  }
  const served = runUntil(world, queue.nowMs() + 3 * calm * suspectAfterMs, () =>
    clients.every((client, at) => client.completed() > (completed[at] ?? 0)),
  );
  for (const client of clients) client.stop();
  const answered = runUntil(world, queue.nowMs() + 3 * calm * suspectAfterMs, () =>
    clients.every((client) => !client.busy()),
  );
  if (!answered || !served) throw new Violation("the cluster serves again", describeState(world));
  judge(world, clients);
}

/** Runs events until `isDone`, asked twice a heartbeat; false when `untilMs` came first. */
export function runUntil(world: World, untilMs: number, isDone: () => boolean): boolean {
  const { queue, scenario } = world;
  while (queue.nowMs() < untilMs) {
    const nextMs = Math.min(queue.nowMs() + scenario.heartbeatMs / 2, untilMs);
    while (queue.runNext(nextMs)) {}
    if (isDone()) return true;
  }
  return false;
}

/** From here on nothing fails: one process a site, a whole network, a chain that answers. */
function mend(world: World): void {
  const { chain, network, hosts, routes, refused, scenario, random, trace } = world;
  trace.note(() => "all faults are mended");
  network.heal();
  routes.clear();
  refused.clear();
  chain.halt(false);
  for (const endpoint of chain.endpoints) {
    endpoint.away = false;
    endpoint.lagBlocks = 0;
    endpoint.lie = null;
  }
  if (hosts.some(({ purpose }) => purpose === "gone")) breakGlass(world);
  for (const host of hosts) {
    host.writeMs = scenario.writeMs;
    const kept = host.processes.length > 0 ? random.pick(host.processes) : null;
    const isAbandoned = !isNeeded(world, host) && kept === null;
    for (const process of [...host.processes]) if (process !== kept) endProcess(world, process);
    const disk = [...host.awaited][0] ?? host.rightDisk ?? blankDisk();
    host.awaited.clear();
    if (isAbandoned) continue;
    // A member that was switched off once it was removed, and whose removal the chain took back.
    if (host.purpose === "absent" && isNeeded(world, host)) host.purpose = "leaving";
    if (kept === null) startProcess(world, host, disk);
    else kept.resume();
  }
}

/**
 * COLD_START=majority serves who restarts the rest: a member that lives on as normal waits for the
 * one that is gone.
 */
function breakGlass(world: World): void {
  for (const host of world.hosts) for (const one of [...host.processes]) endProcess(world, one);
}

/** Well for so long that no petition and no slow write of the times before can be under way. */
function steadyFor(world: World): () => boolean {
  const { queue, scenario } = world;
  const settledMs = queue.nowMs() + 40 * scenario.heartbeatMs;
  let wellIn = -1;
  let sinceMs = 0;
  return () => {
    const now = isWell(world) ? world.chain.head().term : -1;
    if (now !== wellIn) sinceMs = queue.nowMs();
    wellIn = now;
    const steadyMs = 2 * scenario.blockMs + 5 * scenario.heartbeatMs;
    return now >= 0 && queue.nowMs() > Math.max(settledMs, sinceMs + steadyMs);
  };
}

function createClients(world: World): readonly Client[] {
  const { scenario, random, queue, trace } = world;
  const submit = submitTo(world);
  const said = (input: CounterInput) => (input.kind === "read" ? "a read" : `+${input.by}`);
  let moments = 0;
  return Array.from({ length: scenario.clientCount }, (_, client) =>
    createClient({
      name: `client${client}`,
      sites: () => sitesToAsk(world),
      thinkMs: scenario.thinkMs,
      patienceMs: scenario.heartbeatMs * 20,
      random: random.fork(100 + client),
      submit(call) {
        const { operation, site, key } = call;
        trace.note(
          () => `client${client} asks ${letterAt(site)} for ${said(operation)} ${key ?? ""}`,
        );
        submit(call);
      },
      after: queue.after,
      moment() {
        moments += 1;
        return moments;
      },
      answered(input, { value, index, term }) {
        trace.note(() => `client${client} is told ${value} at ${index} for ${said(input)}`);
        if (input.kind === "increment") world.oracle.acknowledged(index, term);
      },
    }),
  );
}

/** Invariant 7. */
function judge(world: World, clients: readonly Client[]): void {
  const operations = clients.flatMap((client) => client.history());
  const verdict = checkLinearizable(counterModel, operations);
  if (!verdict.linearizable) {
    const stuck = JSON.stringify(operations[verdict.stuckAt]);
    const detail = `${verdict.placed} of ${operations.length} fit, then not ${stuck}`;
    throw new Violation("client histories are linearizable", detail);
  }
  const processes = world.hosts.flatMap((host) => host.processes);
  checkEqualMachines(processes);
  for (const { applied, name } of processes) {
    for (const key of clients.flatMap((client) => client.refusedKeys())) {
      if (recall(applied.machine().keys, key, applied.index()) === null) continue;
      throw new Violation("a refused command never happens", `${key} was applied at ${name}`);
    }
  }
}

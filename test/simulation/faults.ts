/** Carries out a plan's faults on a world. What a fault asks beyond the fault model is not done. */

import { term } from "../../node/src/consensus/ids.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { View } from "../../node/src/consensus/view.ts";
import { copyOf } from "./disk.ts";
import { clonedDisk, diskAfter, type Host, isTainted } from "./host.ts";
import type { DiskAfter, Fault, Target } from "./plan.ts";
import type { Process } from "./process.ts";
import { endProcess, startProcess, type World } from "./world.ts";

/** A world that is being mended takes no more faults: `isOver` tells. */
export function strike(world: World, fault: Fault, isOver: () => boolean): void {
  if (isOver()) return;
  const { network, hosts, random, queue, scenario } = world;
  const later = (forMs: number, run: () => void) => queue.after(forMs, () => isOver() || run());
  const host = "target" in fault ? targetOf(world, fault.target) : null;
  world.trace.note(() => `fault: ${describeFault(fault)}`);
  switch (fault.kind) {
    case "crash": {
      const process = host === null ? undefined : pickProcess(world, host);
      process?.interrupt(fault.afterEffects, () => crash(world, process, fault, isOver));
      return;
    }
    case "crash-all":
      for (const each of hosts) {
        if (fault.spared.includes(each.slot)) continue;
        const disk = fault.lostDisk === each.slot ? "lost" : "kept";
        const downMs = fault.downMs * random.float();
        for (const process of [...each.processes]) crash(world, process, { downMs, disk }, isOver);
      }
      return;
    case "pause": {
      const process = host === null ? undefined : pickProcess(world, host);
      process?.interrupt(fault.afterEffects, () => {
        if (isOver()) return;
        process.pause();
        world.trace.note(() => `${process.name} is paused`);
        later(fault.forMs, () => process.resume());
      });
      return;
    }
    case "partition":
      for (const { slot: from } of hosts) {
        for (const { slot: to } of hosts) {
          if (fault.groups[from] !== fault.groups[to]) later(fault.forMs, network.cut(from, to));
        }
      }
      return;
    case "isolate":
      for (const { slot } of hosts) {
        if (host === null || slot === host.slot) continue;
        later(fault.forMs, network.cut(slot, host.slot));
        later(fault.forMs, network.cut(host.slot, slot));
      }
      return;
    case "cut":
      later(fault.forMs, network.cut(fault.from, fault.to));
      return;
    case "loss":
      later(fault.forMs, network.worsen(fault.loss));
      return;
    case "slow-disk":
      if (host === null) return;
      host.writeMs = fault.writeMs;
      later(fault.forMs, () => {
        host.writeMs = scenario.writeMs;
      });
      return;
    default:
      strikeHostOrChain(world, fault, host, later);
  }
}

type Other = Exclude<
  Fault,
  { kind: "crash" | "crash-all" | "pause" | "partition" | "isolate" | "cut" | "loss" | "slow-disk" }
>;

function strikeHostOrChain(
  world: World,
  fault: Other,
  host: Host | null,
  later: (forMs: number, run: () => void) => void,
): void {
  const { chain, hosts, random } = world;
  const endpoint = host === null ? undefined : chain.endpoints[host.slot];
  switch (fault.kind) {
    case "clone": {
      if (host === null || host.processes.length !== 1 || !mayTaint(world, host)) return;
      const clone = startProcess(world, host, clonedDisk(host, fault.old, random));
      later(fault.lifeMs, () => host.processes.length > 1 && endProcess(world, clone));
      return;
    }
    case "reroute":
      for (const sender of hosts.flatMap(({ processes }) => processes)) {
        const other =
          host === null || host.processes.length === 0 ? null : pickProcess(world, host);
        if (other) world.routes.set(`${sender.name}>${fault.target}`, other);
      }
      return;
    case "copy-disk":
      for (const { disk } of host?.processes ?? []) host?.copies.push(copyOf(disk));
      return;
    case "clock-jump":
      if (host !== null) host.clockOffsetMs += fault.byMs;
      return;
    case "chain-halt":
      chain.halt(true);
      later(fault.forMs, () => chain.halt(false));
      return;
    case "reorganise":
      chain.reorganise(fault.depth, 0.4);
      return;
    case "step-down":
      for (const each of hosts.flatMap(({ processes }) => processes)) {
        if (each.replica().office?.stage === "active") each.input({ kind: "step-down" });
      }
      return;
    default:
      break;
  }
  if (endpoint === undefined || host === null) return;
  switch (fault.kind) {
    case "endpoint-away":
      endpoint.away = true;
      later(fault.forMs, () => {
        endpoint.away = false;
      });
      return;
    case "endpoint-lags":
      endpoint.lagBlocks = fault.blocks;
      later(fault.forMs, () => {
        endpoint.lagBlocks = 0;
      });
      return;
    case "endpoint-lies":
      endpoint.lie = lieOf(fault);
      later(fault.forMs, () => {
        endpoint.lie = null;
      });
      return;
    default:
      fault satisfies never;
  }
}

/** About who leads which term: of a cold start and of genesis the protocol believes the chain. */
function lieOf(fault: Extract<Fault, { kind: "endpoint-lies" }>): (truth: View) => View {
  let from: number | null = null;
  return (truth) => {
    if (truth.term === 0) return truth;
    from ??= truth.term;
    const leader = truth.roster.members[fault.leader]?.id ?? truth.leader;
    const told = term(Math.max(from + fault.termsAhead, truth.coldTerm + 1));
    return { ...truth, term: told, leader };
  };
}

function crash(
  world: World,
  process: Process,
  { downMs, disk: wanted }: { readonly downMs: number; readonly disk: DiskAfter },
  isOver: () => boolean,
): void {
  const host = world.hosts[process.slot];
  if (host === undefined || !process.alive() || isOver()) return;
  endProcess(world, process);
  const { random } = world;
  const ended = process.disk;
  const disk = diskAfter(host, { ended, wanted, mayTaint: mayTaint(world, host), random });
  if (disk === null) return;
  host.awaited.add(disk);
  world.queue.after(downMs, () => {
    if (!host.awaited.delete(disk) || isOver()) return;
    startProcess(world, host, disk);
  });
}

/** Fewer than a quorum of members may be tainted at a time. */
function mayTaint({ hosts }: World, host: Host): boolean {
  const others = hosts.filter((other) => other !== host && isTainted(other)).length;
  return others + 1 < quorumSize(hosts.length);
}

function targetOf(world: World, target: Target): Host | null {
  if (target !== "leader") return world.hosts[target] ?? null;
  const { leader, roster } = world.chain.head();
  const slot = roster.members.find(({ id }) => id === leader)?.slot;
  return slot === undefined ? null : (world.hosts[slot] ?? null);
}

function pickProcess({ random }: World, { processes }: Host): Process | undefined {
  return processes.length === 0 ? undefined : random.pick(processes);
}

export function describeFault({ atMs, kind, ...rest }: Fault): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `${kind} at ${Math.round(atMs)} ms: ${details.join(", ")}`;
}

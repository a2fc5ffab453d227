/** Carries out a plan's faults on a world. What a fault asks beyond the fault model is not done. */

import { refuse } from "./attestation.ts";
import { copyOf } from "./disk.ts";
import { clonedDisk, diskAfter, type Host } from "./host.ts";
import { lieOf } from "./lies.ts";
import { endProcess, startProcess } from "./machines.ts";
import { siteOf } from "./names.ts";
import { depart, join, lose } from "./operators.ts";
import type { DiskAfter, Fault, FaultKind, Target } from "./plan.ts";
import type { Process } from "./process.ts";
import { isInPlay, mayTaint } from "./taint.ts";
import type { World } from "./world.ts";

/** A world that has been mended takes no more faults. */
export function strike(world: World, fault: Fault): void {
  const { calm } = world;
  if (calm.now) return;
  world.trace.note(() => `fault: ${describeFault(fault)}`);
  const later = (forMs: number, run: () => void) =>
    world.queue.after(forMs, () => calm.now || run());
  const host = "target" in fault ? targetOf(world, fault.target) : null;
  const struck: Struck = { world, host, later };
  if (isOf(processFaults, fault)) strikeProcess(struck, fault);
  else if (isOf(networkFaults, fault)) strikeNetwork(struck, fault);
  else if (isOf(chainFaults, fault)) strikeChain(struck, fault);
  else strikeMembers(struck, fault);
}

/** Where a fault strikes, and how it ends. */
type Struck = {
  readonly world: World;
  readonly host: Host | null;
  readonly later: (forMs: number, run: () => void) => void;
};

const processFaults = ["crash", "crash-all", "clone", "pause", "copy-disk", "clock-jump"] as const;
const networkFaults = ["partition", "isolate", "cut", "loss", "reroute", "slow-disk"] as const;
const chainFaults = [
  "chain-halt",
  "reorganise",
  "endpoint-away",
  "endpoint-lags",
  "endpoint-lies",
] as const;
type Of<Kinds extends readonly FaultKind[]> = Extract<Fault, { kind: Kinds[number] }>;

function isOf<const Kinds extends readonly FaultKind[]>(
  kinds: Kinds,
  fault: Fault,
): fault is Of<Kinds> {
  return kinds.includes(fault.kind);
}

function strikeProcess({ world, host, later }: Struck, fault: Of<typeof processFaults>) {
  const { hosts, random, trace } = world;
  const process = host === null ? undefined : pickProcess(world, host);
  switch (fault.kind) {
    case "crash":
      process?.interrupt(fault.afterEffects, () => crash(world, process, fault));
      return;
    case "crash-all":
      for (const each of hosts) {
        if (fault.spared.includes(each.site)) continue;
        const disk = fault.lostDisk === each.site ? "lost" : "kept";
        const downMs = fault.downMs * random.float();
        for (const one of [...each.processes]) crash(world, one, { downMs, disk });
      }
      return;
    case "clone": {
      if (host === null || host.processes.length !== 1 || !mayTaint(world, host)) return;
      const clone = startProcess(world, host, clonedDisk(host, fault.old, random));
      later(fault.lifeMs, () => host.processes.length > 1 && endProcess(world, clone));
      return;
    }
    case "pause":
      process?.interrupt(fault.afterEffects, () => {
        if (world.calm.now) return;
        process.pause();
        trace.note(() => `${process.name} is paused`);
        later(fault.forMs, () => process.resume());
      });
      return;
    case "copy-disk":
      for (const { disk } of host?.processes ?? []) host?.copies.push(copyOf(disk));
      return;
    case "clock-jump":
      if (host !== null) host.clockOffsetMs += fault.byMs;
      return;
    default:
      fault satisfies never;
  }
}

function strikeNetwork({ world, host, later }: Struck, fault: Of<typeof networkFaults>): void {
  const { network, hosts, scenario } = world;
  switch (fault.kind) {
    case "partition":
      for (const { site: from } of hosts) {
        for (const { site: to } of hosts) {
          if (fault.groups[from] !== fault.groups[to]) later(fault.forMs, network.cut(from, to));
        }
      }
      return;
    case "isolate":
      for (const { site } of hosts) {
        if (host === null || site === host.site) continue;
        later(fault.forMs, network.cut(site, host.site));
        later(fault.forMs, network.cut(host.site, site));
      }
      return;
    case "cut":
      later(fault.forMs, network.cut(fault.from, fault.to));
      return;
    case "loss":
      later(fault.forMs, network.worsen(fault.loss));
      return;
    case "reroute":
      for (const sender of hosts.flatMap(({ processes }) => processes)) {
        const other = host === null ? undefined : pickProcess(world, host);
        if (other) world.routes.set(`${sender.name}>${fault.target}`, other);
      }
      return;
    case "slow-disk":
      if (host === null) return;
      host.writeMs = fault.writeMs;
      later(fault.forMs, () => {
        host.writeMs = scenario.writeMs;
      });
      return;
    default:
      fault satisfies never;
  }
}

function strikeChain({ world, host, later }: Struck, fault: Of<typeof chainFaults>): void {
  const { chain } = world;
  if (fault.kind === "chain-halt") {
    chain.halt(true);
    later(fault.forMs, () => chain.halt(false));
    return;
  }
  if (fault.kind === "reorganise") {
    chain.reorganise(fault.depth, 0.4);
    return;
  }
  const endpoint = host === null ? undefined : chain.endpoints[host.site];
  if (endpoint === undefined) return;
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

type MemberFault = Exclude<
  Fault,
  Of<typeof processFaults> | Of<typeof networkFaults> | Of<typeof chainFaults>
>;

function strikeMembers({ world, host, later }: Struck, fault: MemberFault): void {
  if (fault.kind === "step-down") {
    for (const each of world.hosts.flatMap(({ processes }) => processes)) {
      if (each.replica().office?.stage === "active") each.input({ kind: "step-down" });
    }
    return;
  }
  if (host === null) return;
  switch (fault.kind) {
    case "join":
      join(world, host, fault.disk);
      return;
    case "leave":
      depart(world, host, { ...fault, by: "operator" });
      return;
    case "revoke":
      depart(world, host, { ...fault, by: "owner" });
      return;
    case "gone":
      lose(world, host);
      return;
    case "refuse":
      later(fault.forMs, refuse(world, host));
      return;
    default:
      fault satisfies never;
  }
}

function crash(
  world: World,
  process: Process,
  { downMs, disk: wanted }: { readonly downMs: number; readonly disk: DiskAfter },
): void {
  const host = world.hosts[process.site];
  if (host === undefined || !process.alive() || world.calm.now) return;
  endProcess(world, process);
  const { random } = world;
  const ended = process.disk;
  const disk = diskAfter(host, { ended, wanted, mayTaint: mayTaint(world, host), random });
  if (disk === null) return;
  if (!isInPlay(world, host)) host.rightDisk = disk;
  host.awaited.add(disk);
  world.queue.after(downMs, () => {
    if (!host.awaited.delete(disk) || world.calm.now) return;
    startProcess(world, host, disk);
  });
}

function targetOf({ chain, hosts }: World, target: Target): Host | null {
  if (target !== "leader") return hosts[target] ?? null;
  const { leader } = chain.head();
  return leader === null ? null : (hosts[siteOf(leader)] ?? null);
}

function pickProcess({ random }: World, { processes }: Host): Process | undefined {
  return processes.length === 0 ? undefined : random.pick(processes);
}

export function describeFault({ atMs, kind, ...rest }: Fault): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `${kind} at ${Math.round(atMs)} ms: ${details.join(", ")}`;
}

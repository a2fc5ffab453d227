/** Processes and what joins them to the world: starting, ending, talking, reading the contract. */
import type { Send } from "../../node/src/consensus/effect.ts";
import { type Boot, bootKey } from "../../node/src/consensus/ids.ts";
import { boot as bootReplica, type Setup } from "../../node/src/consensus/replica.ts";
import { acceptEachOther, judge, judgingHeartbeats } from "./attestation.ts";
import { type Channels, createChannels, sitesKnownTo } from "./channels.ts";
import { fastDigest, fastTree } from "./digest.ts";
import { type Disk, remember } from "./disk.ts";
import { enrol } from "./enrolment.ts";
import { type Host, reviewRightDisk } from "./host.ts";
import { letterAt } from "./names.ts";
import { petition } from "./petitions.ts";
import { createProcess, type Process } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import { describeDisk, telling } from "./telling.ts";
import { Violation } from "./violation.ts";
import { every, type World } from "./world.ts";

/** Starts one more process of this member: a new boot with a new key. */
export function startProcess(world: World, host: Host, disk: Disk): Process {
  const { queue, scenario, oracle, trace } = world;
  host.bootCount += 1;
  disk.inherited = disk.promised;
  const ordinal = host.bootCount;
  const key = `b${host.site}${String(ordinal).padStart(4, "0")}`.padEnd(64, "0");
  const boot: Boot = { member: host.member, bootKey: bootKey(key) };
  const process: Process = createProcess({
    boot,
    name: `${letterAt(host.site)}${ordinal}`,
    site: host.site,
    replica: bootReplica(setupOf(scenario, boot), remember(disk, fastDigest), clockOf(world, host)),
    disk,
    snapshotEvery: scenario.snapshotEvery,
    writeMs: () => host.writeMs * (0.5 + world.random.float()),
    after: queue.after,
    send: (from, effect) => send(world, channels, from, effect),
    petition: (from, effect) => petition(world, from, effect),
    refreshView: (from) => readView(world, from),
    halted: (halting, reason, detail) => onHalt(world, host, halting, { reason, detail }),
    watch: telling(world),
  });
  const channels = createChannels(process, (site) => answering(world, process, site));
  host.processes.push(process);
  world.processOf.set(boot.bootKey, process);
  oracle.booted(process);
  trace.note(() => `${process.name} starts${describeDisk(process.replica())}`);
  keepGoing(world, host, process, channels);
  return process;
}

function setupOf(scenario: Scenario, self: Boot): Setup {
  const { heartbeatMs } = scenario;
  return {
    ...scenario,
    self,
    digest: fastDigest,
    treeHash: fastTree,
    suspectAfterMs: heartbeatMs * 10,
    voteFallbackMs: heartbeatMs * 20,
    termWindow: 1_000,
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
    if (process.alive()) channels.review();
    return process.alive();
  };
  queue.after(heartbeatMs * random.float(), () => every(world, heartbeatMs / 2, tick));
  queue.after(heartbeatMs * random.float(), () => every(world, heartbeatMs * 2, review));
  queue.after(heartbeatMs * random.float(), () => every(world, heartbeatMs * 5, look));
  // By the boot's name, where a draw would move all those after it.
  const phase = (host.site * 3 + host.bootCount) % judgingHeartbeats;
  const judging = () => {
    judge(world, process);
    return process.alive();
  };
  queue.after(heartbeatMs * phase, () => every(world, heartbeatMs * judgingHeartbeats, judging));
}

function clockOf({ queue }: World, host: Host): number {
  return queue.nowMs() + host.clockOffsetMs;
}

/** Ends a process as `kill -9` or a power cut does. */
export function endProcess(world: World, process: Process): void {
  const host = world.hosts[process.site];
  if (host === undefined || !process.alive()) return;
  reviewRightDisk(host);
  process.crash(world.random);
  host.processes.splice(host.processes.indexOf(process), 1);
  world.oracle.ended(process);
  world.trace.note(() => `${process.name} ends`);
}

/** Ends all processes of a host, and starts none of those that were about to be. */
export function endAll(world: World, host: Host): void {
  for (const process of [...host.processes]) endProcess(world, process);
  host.awaited.clear();
}

/** Who lets `from` in at `site`: a door knows the members by its own process's view. */
function answering(world: World, from: Process, site: number): Boot | null {
  const host = world.hosts[site];
  if (host === undefined || world.network.isCut(from.site, site)) return null;
  const routed = world.routes.get(`${from.name}>${site}`);
  const process = routed?.alive() ? routed : host.processes.at(-1);
  if (process === undefined || !sitesKnownTo(process.replica()).has(from.site)) return null;
  return acceptEachOther(from, process) ? process.boot : null;
}

function send(world: World, channels: Channels, from: Process, { to, message }: Send): void {
  if (!channels.reaches(to)) return;
  const target = world.processOf.get(to.bootKey);
  if (target === undefined) return;
  const path = { from: from.site, to: target.site, key: `${from.name}>${target.name}` };
  world.network.carry(path, () => target.input({ kind: "received", from: from.boot, message }));
}

/** Reads the contract through the site's endpoint, and has it list this boot. */
function readView(world: World, process: Process): void {
  const { queue, chain, random, misled } = world;
  queue.after(world.scenario.heartbeatMs * 0.3 * random.float(), () => {
    if (!process.alive()) return;
    const view = chain.read(process.site, { holdsLog: process.replica().log.last.index > 0 });
    if (view === null) return;
    // A block of before term 1 shows a quorum of nothing.
    const isFromBefore = view.term === 0 && (process.replica().view?.term ?? 0) > 0;
    if (isFromBefore || chain.endpoints[process.site]?.lie !== null) {
      misled.add(process.boot.bootKey);
    }
    process.input({ kind: "view", view });
    enrol(world, process, view);
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
    if (host.awaited.delete(disk) && host.processes.length === 0) startProcess(world, host, disk);
  });
}

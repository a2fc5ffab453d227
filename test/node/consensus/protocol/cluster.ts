/**
 * Several replicas in one process, for tests of the protocol's rules: nothing moves unless it is
 * told to. Messages lie in one queue until they are delivered; disks are durable at once, or when
 * released; the contract is a plain `View`.
 */
import type { Effect, Persist, Send, Write } from "../../../../node/src/consensus/effect.ts";
import type { Boot, BootKey } from "../../../../node/src/consensus/ids.ts";
import type { Input } from "../../../../node/src/consensus/input.ts";
import type { Message } from "../../../../node/src/consensus/message.ts";
import {
  boot,
  type Remembered,
  type Replica,
  type Setup,
} from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import { durable, nothing, rosterOfBoots, setupOf, tick, viewOf } from "../support.ts";

export type Cluster = {
  replica(of: Boot): Replica;
  /** Everything that this boot has asked for since the last `forget`. */
  effects(of: Boot): readonly Effect[];
  forget(): void;
  /** Takes the inputs, whose messages wait for `deliver`; returns what they asked for. */
  take(by: Boot, ...inputs: readonly Input[]): readonly Effect[];
  /** Those who run read the contract: all of them, unless some are named. */
  show(view: View, ...to: readonly Boot[]): void;
  /** Delivers until nothing is left; what goes to or comes from a boot that is cut off is lost. */
  deliver(): void;
  /** Lets time pass for all, a heartbeat at a time, and delivers. */
  pass(ms: number): void;
  cut(...boots: readonly Boot[]): void;
  mend(...boots: readonly Boot[]): void;
  /** From now on nothing becomes durable on this disk, until it is released. */
  holdDisk(of: Boot): void;
  releaseDisk(of: Boot): void;
  /** Ends the process; returns what its disk kept. */
  crash(one: Boot): Remembered;
  start(one: Boot, remembered?: Remembered): void;
};

type Machine = {
  readonly self: Boot;
  replica: Replica;
  effects: Effect[];
  disk: Remembered;
  held: boolean;
  /** Writes that are not durable yet, and the messages that wait for them. */
  readonly waiting: (Persist | Send)[];
};

type Letter = { readonly from: Boot; readonly to: Boot; readonly message: Message };

type World = {
  readonly changes: Partial<Setup>;
  readonly machines: Map<BootKey, Machine>;
  readonly running: Set<BootKey>;
  readonly letters: Letter[];
  readonly unreachable: Set<BootKey>;
  shown: View | null;
  nowMs: number;
};

/** More than any of these tests needs: messages would beget messages for ever. */
const deliveriesMax = 20_000;

/** Processes that registered, and can all reach one another; they have not seen the contract. */
export function setCluster(boots: readonly Boot[], changes: Partial<Setup> = {}): Cluster {
  const world: World = {
    changes,
    machines: new Map(),
    running: new Set(),
    letters: [],
    unreachable: new Set(),
    shown: null,
    nowMs: 0,
  };
  for (const one of boots) start(world, one, nothing);
  for (const one of boots) take(world, one, { kind: "registered" });
  return {
    replica: (of) => machineOf(world, of).replica,
    effects: (of) => machineOf(world, of).effects,
    forget: () => {
      for (const machine of world.machines.values()) machine.effects = [];
    },
    take: (by, ...inputs) => take(world, by, ...inputs),
    show: (view, ...to) => show(world, view, to),
    deliver: () => deliver(world),
    pass: (ms) => pass(world, ms),
    cut: (...ends) => {
      for (const { bootKey } of ends) world.unreachable.add(bootKey);
    },
    mend: (...ends) => {
      for (const { bootKey } of ends) world.unreachable.delete(bootKey);
    },
    holdDisk: (of) => {
      machineOf(world, of).held = true;
    },
    releaseDisk: (of) => {
      machineOf(world, of).held = false;
      sync(world, machineOf(world, of));
    },
    crash: (one) => crash(world, one),
    start: (one, remembered = nothing) => start(world, one, remembered),
  };
}

/** Term 1 under the first of these members, with its term-start committed everywhere. */
export function serving(boots: readonly Boot[], changes: Partial<Setup> = {}): Cluster {
  const cluster = setCluster(boots, changes);
  cluster.show(viewOf(rosterOfBoots(boots), 1, boots[0] as Boot));
  cluster.deliver();
  cluster.forget();
  return cluster;
}

function machineOf({ machines }: World, { bootKey }: Boot): Machine {
  const machine = machines.get(bootKey);
  if (machine === undefined) throw new Error(`expected boot ${bootKey} to have been started`);
  return machine;
}

function runningMachines({ machines, running }: World): readonly Machine[] {
  return [...machines.values()].filter(({ self }) => running.has(self.bootKey));
}

function take(world: World, by: Boot, ...inputs: readonly Input[]): readonly Effect[] {
  const machine = machineOf(world, by);
  const before = machine.effects.length;
  for (const input of inputs) {
    if (!world.running.has(by.bootKey)) break;
    const { replica, effects } = step(machine.replica, input);
    machine.replica = replica;
    machine.effects.push(...effects);
    for (const effect of effects) carryOut(world, machine, effect);
    sync(world, machine);
  }
  return machine.effects.slice(before);
}

function carryOut(world: World, machine: Machine, effect: Effect): void {
  if (effect.kind === "halt") world.running.delete(machine.self.bootKey);
  if (effect.kind === "persist") machine.waiting.push(effect);
  if (effect.kind !== "send") return;
  if (effect.after === "now") post(world, machine, effect);
  else machine.waiting.push(effect);
}

function post({ letters }: World, { self }: Machine, { to, message }: Send): void {
  letters.push({ from: self, to, message });
}

/** What has no write before it leaves at once, even while the disk is held. */
function sync(world: World, machine: Machine): void {
  const { waiting, held } = machine;
  const write = waiting.findIndex(({ kind }) => kind === "persist");
  const done = waiting.splice(0, held && write >= 0 ? write : waiting.length);
  for (const effect of done) {
    if (effect.kind === "send") post(world, machine, effect);
    else machine.disk = effect.writes.reduce(written, machine.disk);
  }
  const wrote = done.some(({ kind }) => kind === "persist");
  if (wrote) take(world, machine.self, durable(machine.disk));
}

function written(disk: Remembered, write: Write): Remembered {
  switch (write.kind) {
    case "promise":
      return { ...disk, promised: write.promised };
    case "entries": {
      const kept = disk.entries.filter(({ index }) => index <= write.after);
      return { ...disk, entries: [...kept, ...write.entries] };
    }
    case "snapshot": {
      const { snapshot } = write;
      const entries = disk.entries.filter(({ index }) => index > snapshot.at.index);
      return { ...disk, snapshot, entries };
    }
    case "install":
      return { ...disk, snapshot: write.snapshot, entries: [] };
    default:
      return write satisfies never;
  }
}

function show(world: World, view: View, to: readonly Boot[]): void {
  world.shown = view;
  for (const { self } of runningMachines(world)) {
    if (to.length === 0 || to.includes(self)) take(world, self, { kind: "view", view });
  }
}

function deliver(world: World): void {
  const { letters, unreachable, running } = world;
  for (let count = 0; letters.length > 0; count += 1) {
    if (count > deliveriesMax) throw new Error(`expected rest after ${deliveriesMax} messages`);
    const { from, to, message } = letters.shift() as Letter;
    const lost = unreachable.has(from.bootKey) || unreachable.has(to.bootKey);
    if (lost || !running.has(to.bootKey)) continue;
    take(world, to, { kind: "received", from, message });
  }
}

function pass(world: World, ms: number): void {
  const heartbeatMs = runningMachines(world)[0]?.replica.setup.heartbeatMs ?? ms;
  const untilMs = world.nowMs + ms;
  while (world.nowMs < untilMs) {
    world.nowMs = Math.min(world.nowMs + heartbeatMs, untilMs);
    for (const { self } of runningMachines(world)) take(world, self, tick(world.nowMs));
    deliver(world);
  }
}

function start(world: World, one: Boot, remembered: Remembered): void {
  const others = runningMachines(world);
  world.machines.set(one.bootKey, {
    self: one,
    replica: boot({ ...setupOf(one), ...world.changes }, remembered, world.nowMs),
    effects: [],
    disk: remembered,
    held: false,
    waiting: [],
  });
  world.running.add(one.bootKey);
  for (const { self } of others) {
    take(world, self, { kind: "connected", boot: one });
    take(world, one, { kind: "connected", boot: self });
  }
  if (world.shown !== null) take(world, one, { kind: "view", view: world.shown });
}

function crash(world: World, one: Boot): Remembered {
  world.running.delete(one.bootKey);
  for (const { self } of runningMachines(world)) {
    take(world, self, { kind: "disconnected", boot: one });
  }
  return machineOf(world, one).disk;
}

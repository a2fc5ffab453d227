/** Containers of nodes as machines. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { kill, pause, start, stateOf, unpause } from "../../docker/containers.ts";
import { setClock } from "../local/clocks.ts";
import { copyInto, emptyFolder, type LocalDisks } from "../local/disks.ts";
import type { HandOver, openHandOver } from "../local/handOver.ts";
import type { Machines } from "../subject.ts";
import { clockNameOf, type Place } from "./place.ts";

export type MachinesOptions = {
  readonly place: Place;
  /** Docker's name of the container at that position. */
  readonly containerOf: (position: number) => string;
  readonly disks: Pick<LocalDisks, "copy">;
  /** Starts a node's second container, made anew where there is none. Resolves with its name. */
  readonly startClone: (position: number) => Promise<string>;
  /** As the node at that position would petition the contract. */
  readonly petitioner: (position: number) => ReturnType<typeof openHandOver>;
};

export function dockerMachines(options: MachinesOptions): Machines {
  const { place, containerOf, disks, startClone, petitioner } = options;
  const petitioners = new Map<number, Promise<HandOver>>();

  function petitionerOf(position: number): Promise<HandOver> {
    const opened = petitioners.get(position) ?? petitioner(position);
    petitioners.set(position, opened);
    return opened;
  }

  return {
    kill: (position) => killIfRunning(containerOf(position)),
    start: (position) => start(containerOf(position)),
    pause: (position) => pause(containerOf(position)),
    resume: (position) => unpause(containerOf(position)),
    async clone(position) {
      const { folder } = await disks.copy(position);
      const cloneDisk = place.cloneDisks[position] ?? "";
      await emptyFolder(cloneDisk);
      await copyInto(folder, cloneDisk);
      await rm(folder, { recursive: true });
      const clone = await startClone(position);
      return () => killIfRunning(clone);
    },
    shiftClock: (position, ms) =>
      setClock(join(place.clocks, clockNameOf(place.names[position] ?? "")), ms),
    async handOver(from, to) {
      const handOver = await petitionerOf(from);
      await handOver(place.urls[to] ?? "");
    },
  };
}

/** One that ended by itself is down already, which is all that was wanted. */
async function killIfRunning(container: string): Promise<void> {
  try {
    await kill(container);
  } catch (error) {
    const { status } = await stateOf(container);
    if (status !== "exited") throw error;
  }
}

/** A copy that is of one moment; of a container that is down as it is. */
export async function whilePaused(container: string, work: () => Promise<void>): Promise<void> {
  const { status } = await stateOf(container);
  if (status !== "running") return work();
  await pause(container);
  try {
    await work();
  } finally {
    await unpause(container);
  }
}

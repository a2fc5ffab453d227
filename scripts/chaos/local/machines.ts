/** Local nodes as machines: signals, second processes, clocks. */
import type { Cluster } from "../../cluster/handle.ts";
import { guestSocket } from "../../cluster/layout.ts";
import { readRecord } from "../../cluster/record.ts";
import type { Machines } from "../subject.ts";
import { setClock } from "./clocks.ts";
import type { Clones } from "./clones.ts";
import type { LocalDisks } from "./disks.ts";
import { type HandOver, openHandOver } from "./handOver.ts";

export type MachinesOptions = {
  readonly cluster: Cluster;
  readonly clones: Clones;
  readonly disks: Pick<LocalDisks, "copy">;
  readonly clockFile: (position: number) => string;
};

export type LocalMachines = Machines & { isRunning(position: number): boolean };

export function localMachines(options: MachinesOptions): LocalMachines {
  const { cluster, clones, disks, clockFile } = options;
  const petitioners = new Map<number, Promise<HandOver>>();
  const isRunning = (position: number) => (cluster.nodes[position]?.pid() ?? null) !== null;

  /** A pause and its end are one system call each; who has ended meanwhile takes no signal. */
  function signal(position: number, which: "SIGSTOP" | "SIGCONT"): void {
    if (isRunning(position)) cluster.kill(position, which).catch(() => undefined);
  }

  function petitionerOf(position: number): Promise<HandOver> {
    const known = petitioners.get(position);
    if (known !== undefined) return known;
    const { socketDir } = readRecord(cluster.layout.record) ?? { socketDir: "" };
    const opened = openHandOver({
      endpoint: guestSocket(socketDir, cluster.nodes[position]?.name ?? ""),
      rpcUrl: cluster.rpcUrl,
      contract: cluster.deployment.contract,
    });
    petitioners.set(position, opened);
    return opened;
  }

  return {
    isRunning,
    async kill(position) {
      if (isRunning(position)) await cluster.kill(position, "SIGKILL");
    },
    async start(position) {
      if (!isRunning(position)) await cluster.restart(position);
    },
    pause: async (position) => signal(position, "SIGSTOP"),
    resume: async (position) => signal(position, "SIGCONT"),
    async clone(position) {
      const { folder } = await disks.copy(position);
      return clones.start(position, folder);
    },
    shiftClock: (position, ms) => setClock(clockFile(position), ms),
    async handOver(from, to) {
      const handOver = await petitionerOf(from);
      await handOver(cluster.nodes[to]?.url ?? "");
    },
  };
}

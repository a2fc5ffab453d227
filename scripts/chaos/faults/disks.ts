/** Faults of disks. */
import { setTimeout as delay } from "node:timers/promises";
import { atFollowers, type Fault } from "./fault.ts";

const oldDisk: Fault = {
  name: "old-disk",
  about: "kill -9 of a node, and a restart on a copy of its disk from before",
  needs: [],
  nodesMin: 3,
  targets: ["leader", "follower"],
  holdMs: [1_000, 3_000],
  writesGoOn: atFollowers,
  async strike({ subject: { machines, disks }, target, holdMs }) {
    const copy = await disks.copy(target);
    await delay(holdMs / 2);
    await machines.kill(target);
    return {
      affected: [target],
      async heal() {
        await disks.restore(target, copy);
        await machines.start(target);
      },
    };
  },
};

const emptyDisk: Fault = {
  name: "empty-disk",
  about: "kill -9 of a node, and a restart with nothing on its disk",
  needs: [],
  nodesMin: 3,
  targets: ["leader", "follower"],
  holdMs: [300, 2_000],
  writesGoOn: atFollowers,
  async strike({ subject: { machines, disks }, target }) {
    await machines.kill(target);
    return {
      affected: [target],
      async heal() {
        await disks.empty(target);
        await machines.start(target);
      },
    };
  },
};

const fullDisk: Fault = {
  name: "full-disk",
  about: "no room is left on a node's disk",
  needs: ["full-disk"],
  nodesMin: 3,
  targets: ["leader", "follower"],
  holdMs: [2_000, 4_000],
  writesGoOn: atFollowers,
  async strike({ subject: { disks }, target }) {
    const free = await disks.fill(target);
    return { affected: [target], heal: free };
  },
};

export const diskFaults: readonly Fault[] = [oldDisk, emptyDisk, fullDisk];

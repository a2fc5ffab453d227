/** Faults of disks. */
import { setTimeout as delay } from "node:timers/promises";
import { atFollowers, type Fault, never, positionsOf } from "./fault.ts";

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

/**
 * Protocol, section 1: fewer than a quorum may be rolled back into a cold start. What is lost here is
 * bounded by the last anchor: behind it, the cluster waits for an operator rather than go on.
 */
const allOldDisks: Fault = {
  name: "all-old-disks",
  about: "kill -9 of all nodes, and a restart of all on copies of their disks from before",
  needs: [],
  nodesMin: 1,
  targets: ["all"],
  holdMs: [1_000, 3_000],
  beyond: true,
  writesGoOn: never,
  async strike({ subject: { machines, disks, nodes }, holdMs }) {
    const all = positionsOf(nodes.length);
    const copies = await Promise.all(all.map((position) => disks.copy(position)));
    await delay(holdMs / 2);
    await Promise.all(all.map((position) => machines.kill(position)));
    return {
      affected: all,
      async heal() {
        for (const [position, copy] of copies.entries()) await disks.restore(position, copy);
        await Promise.all(all.map((position) => machines.start(position)));
      },
    };
  },
};

export const diskFaults: readonly Fault[] = [oldDisk, emptyDisk, fullDisk, allOldDisks];

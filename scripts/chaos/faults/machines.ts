/** Faults of machines: processes end, stand still, are doubled; clocks jump. */
import { setTimeout as delay } from "node:timers/promises";
import {
  always,
  atFollowers,
  type Fault,
  never,
  others,
  positionsOf,
  type Stage,
} from "./fault.ts";

const hourMs = 3_600_000;

const kill: Fault = {
  name: "kill",
  about: "kill -9 of a node, and a restart on the same disk",
  needs: [],
  nodesMin: 1,
  targets: ["leader", "follower"],
  holdMs: [300, 2_500],
  writesGoOn: atFollowers,
  async strike({ subject: { machines }, target }) {
    await machines.kill(target);
    return { affected: [target], heal: () => machines.start(target) };
  },
};

const pause: Fault = {
  name: "pause",
  about: "SIGSTOP of a node, then SIGCONT",
  needs: [],
  nodesMin: 1,
  targets: ["leader", "follower"],
  holdMs: [300, 2_000],
  writesGoOn: atFollowers,
  async strike({ subject: { machines }, target }) {
    await machines.pause(target);
    return { affected: [target], heal: () => machines.resume(target) };
  },
};

const pauseAtQuorum: Fault = {
  name: "pause-at-quorum",
  about: "SIGSTOP of the leader when a quorum's acks of a write have reached it, unread",
  needs: ["shaping"],
  nodesMin: 3,
  targets: ["leader"],
  holdMs: [1_500, 3_000],
  writesGoOn: never,
  async strike(stage) {
    const { subject, target } = stage;
    const detail = await stopAtAcks(stage);
    return { affected: [target], detail, heal: () => subject.machines.resume(target) };
  },
};

const ackTimeoutMs = 2_000;

/**
 * Best effort: what passes is encrypted, so that the acks of the write just sent are taken to be
 * what followers next send to the leader.
 */
async function stopAtAcks({ subject, target, write }: Stage): Promise<string> {
  const acksWanted = Math.floor(subject.nodes.length / 2);
  const acked = new Set<number>();
  const { promise: stopped, resolve, reject } = Promise.withResolvers<string>();
  const ends = others(subject, target).map((follower) =>
    subject.network.link(follower, target).onDelivery(() => {
      acked.add(follower);
      if (acked.size < acksWanted) return;
      // Before the bytes are handed over: the leader finds them when it goes on.
      subject.machines.pause(target).then(() => resolve("stopped as the acks arrived"), reject);
    }),
  );
  write(target);
  const late = delay(ackTimeoutMs, "no acks were seen: stopped all the same");
  const detail = await Promise.race([stopped, late]);
  for (const end of ends) end();
  await subject.machines.pause(target);
  return detail;
}

const killAll: Fault = {
  name: "kill-all",
  about: "kill -9 of all nodes at once, and a restart of all",
  needs: [],
  nodesMin: 1,
  targets: ["all"],
  holdMs: [200, 2_000],
  writesGoOn: never,
  async strike({ subject: { machines, nodes } }) {
    const all = positionsOf(nodes.length);
    await Promise.all(all.map((position) => machines.kill(position)));
    return {
      affected: all,
      heal: async () => void (await Promise.all(all.map((position) => machines.start(position)))),
    };
  },
};

const clone: Fault = {
  name: "clone",
  about: "a second process of a member beside it: same key, a copy of its disk",
  needs: ["clone"],
  nodesMin: 3,
  targets: ["leader", "follower"],
  holdMs: [1_500, 3_500],
  writesGoOn: never,
  async strike({ subject: { machines }, target, holdMs }) {
    const end = await machines.clone(target);
    // Its time begins once it runs, however long that takes.
    await delay(holdMs);
    return {
      affected: [target],
      async heal() {
        await end();
        // The two may have replaced one another until neither was started again.
        await machines.start(target);
      },
    };
  },
};

function clockJump(name: string, byMs: number, about: string): Fault {
  return {
    name,
    about,
    needs: ["clock"],
    nodesMin: 1,
    targets: ["leader", "follower"],
    holdMs: [1_500, 3_500],
    writesGoOn: always,
    async strike({ subject: { machines }, target }) {
      await machines.shiftClock(target, byMs);
      return { affected: [], heal: () => machines.shiftClock(target, 0) };
    },
  };
}

const handOverEveryMs = 1_000;

const handOver: Fault = {
  name: "hand-over",
  about: "the leadership is handed over every second",
  needs: ["hand-over"],
  nodesMin: 2,
  targets: ["all"],
  holdMs: [3_000, 6_000],
  writesGoOn: never,
  async strike(stage) {
    const end = new AbortController();
    const running = keepHandingOver(stage, end.signal);
    return {
      affected: [],
      async heal() {
        end.abort();
        await running;
      },
    };
  },
};

async function keepHandingOver(
  { subject, random, leaderNow }: Stage,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const leader = leaderNow();
    const successor = random.pick(others(subject, leader));
    // Refused where another one leads by now: the next second has another try.
    await subject.machines.handOver(leader, successor).catch(() => undefined);
    await delay(handOverEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

export const machineFaults: readonly Fault[] = [
  kill,
  pause,
  pauseAtQuorum,
  killAll,
  clone,
  clockJump("clock-ahead", hourMs, "a node's wall clock jumps an hour ahead, and back"),
  clockJump("clock-behind", -hourMs, "a node's wall clock jumps an hour back, and ahead again"),
  handOver,
];

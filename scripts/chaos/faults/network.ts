/** Faults of the network between nodes. Clients reach every node all the while. */
import { type LinkState, openLink } from "../net/link.ts";
import type { Subject } from "../subject.ts";
import {
  always,
  atFollowers,
  type Fault,
  never,
  others,
  positionsOf,
  type Struck,
} from "./fault.ts";

type Way = readonly [from: number, to: number];
const cut: LinkState = { ...openLink, cut: true };

const isolate: Fault = {
  name: "isolate",
  about: "one node is cut off from all others, both ways",
  needs: ["cuts"],
  nodesMin: 3,
  targets: ["leader", "follower"],
  holdMs: [1_200, 4_000],
  writesGoOn: atFollowers,
  async strike({ subject, target }) {
    const heal = await subject.network.part([target], others(subject, target));
    return { affected: [target], heal };
  },
};

const split: Fault = {
  name: "split",
  about: "the leader is in a minority that cannot reach the majority",
  needs: ["cuts"],
  nodesMin: 5,
  targets: ["leader"],
  holdMs: [1_500, 3_500],
  writesGoOn: never,
  async strike({ subject, target, random }) {
    const size = Math.floor((subject.nodes.length - 1) / 2);
    const minority = [target, ...shuffled(others(subject, target), random).slice(0, size - 1)];
    const majority = positionsOf(subject.nodes.length).filter((each) => !minority.includes(each));
    return { affected: minority, heal: await subject.network.part(minority, majority) };
  },
};

function oneWay(name: string, about: string, wayOf: (target: number, other: number) => Way): Fault {
  return {
    name,
    about,
    needs: ["shaping"],
    nodesMin: 3,
    targets: ["leader", "follower"],
    holdMs: [1_200, 4_000],
    writesGoOn: atFollowers,
    async strike({ subject, target }) {
      const ways = others(subject, target).map((other) => wayOf(target, other));
      return change(subject, ways, cut, [target]);
    },
  };
}

const deaf = oneWay(
  "one-way-in",
  "one node hears nobody, and is heard by all",
  (target, other): Way => [other, target],
);

const mute = oneWay(
  "one-way-out",
  "one node is heard by nobody, and hears all",
  (target, other): Way => [target, other],
);

const bridge: Fault = {
  name: "bridge",
  about: "two halves reach each other through one node only",
  needs: ["cuts"],
  nodesMin: 3,
  targets: ["follower"],
  holdMs: [1_500, 3_500],
  writesGoOn: always,
  async strike({ subject, target, leader, random }) {
    const rest = shuffled(
      others(subject, target).filter((position) => position !== leader),
      random,
    );
    const half = Math.ceil(rest.length / 2);
    // With the node in the middle, the leader's half is a quorum.
    const far = rest.slice(0, half);
    const near = [leader, ...rest.slice(half)];
    return { affected: far, heal: await subject.network.part(far, near) };
  },
};

const slow: Fault = {
  name: "slow-links",
  about: "every message takes 40 to 80 ms, and 250 kB pass a second",
  needs: ["shaping"],
  nodesMin: 2,
  targets: ["all"],
  holdMs: [1_500, 3_500],
  writesGoOn: always,
  async strike({ subject }) {
    const state = { ...openLink, delayMs: 40, jitterMs: 40, bytesPerSecond: 250_000 };
    return change(subject, allWays(subject), state, []);
  },
};

const lossy: Fault = {
  name: "lossy-links",
  about: "one packet in twenty is lost: it comes 200 ms later, or 600",
  needs: ["shaping"],
  nodesMin: 2,
  targets: ["all"],
  holdMs: [1_500, 3_500],
  writesGoOn: never,
  async strike({ subject }) {
    return change(subject, allWays(subject), { ...openLink, loss: 0.05 }, []);
  },
};

const resetEveryMs = 300;

const resets: Fault = {
  name: "resets",
  about: "all connections of one node are reset, again and again",
  needs: ["shaping"],
  nodesMin: 2,
  targets: ["leader", "follower"],
  holdMs: [1_500, 3_500],
  writesGoOn: atFollowers,
  async strike({ subject, target }) {
    const reset = () => {
      for (const other of others(subject, target)) subject.network.reset(target, other);
    };
    reset();
    const timer = setInterval(reset, resetEveryMs);
    return { affected: [target], heal: async () => clearInterval(timer) };
  },
};

export const networkFaults: readonly Fault[] = [
  isolate,
  split,
  deaf,
  mute,
  bridge,
  slow,
  lossy,
  resets,
];

function change(
  { network }: Subject,
  ways: readonly Way[],
  state: LinkState,
  affected: readonly number[],
): Struck {
  for (const [from, to] of ways) network.link(from, to).set(state);
  return {
    affected,
    async heal() {
      for (const [from, to] of ways) network.link(from, to).set(openLink);
    },
  };
}

function allWays({ nodes }: Subject): readonly Way[] {
  const all = positionsOf(nodes.length);
  return all.flatMap((from) => all.filter((to) => to !== from).map((to): Way => [from, to]));
}

function shuffled(
  positions: readonly number[],
  { integer }: { integer(min: number, max: number): number },
): readonly number[] {
  const left = [...positions];
  return positions.map(() => left.splice(integer(0, left.length - 1), 1)[0] ?? 0);
}

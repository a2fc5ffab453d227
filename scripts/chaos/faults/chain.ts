/** Faults of the chain, of what nodes are told of it, and of the guest agents. */
import { becomes } from "../../cluster/wait.ts";
import type { RpcMode } from "../net/rpcProxy.ts";
import { always, atFollowers, type Fault, never, others, type Stage } from "./fault.ts";
import { lieAbout, lieNames } from "./lies.ts";

const chainStop: Fault = {
  name: "chain-stop",
  about: "the chain is away",
  needs: [],
  nodesMin: 1,
  targets: ["all"],
  holdMs: [1_500, 3_500],
  writesGoOn: always,
  async strike({ subject: { chain } }) {
    await chain.stop();
    return { affected: [], heal: () => chain.start() };
  },
};

function slowBlocks(seconds: number, holdMs: readonly [number, number]): Fault {
  return {
    name: `blocks-${seconds}s`,
    about: `a block every ${seconds} s, while the leader is killed`,
    needs: [],
    nodesMin: 3,
    targets: ["leader"],
    holdMs,
    writesGoOn: never,
    async strike({ subject: { chain, machines }, target }) {
      await chain.setBlockTime(seconds);
      await machines.kill(target);
      return {
        affected: [target],
        async heal() {
          await machines.start(target);
          await chain.setBlockTime(null);
        },
      };
    },
  };
}

const blocksMax = 3;

function takenBack(how: "reorg" | "rollback", about: string): Fault {
  return {
    name: `chain-${how}`,
    about,
    needs: ["hand-over"],
    nodesMin: 2,
    targets: ["leader"],
    holdMs: [3_000, 6_000],
    writesGoOn: never,
    async strike(stage) {
      const { subject, random } = stage;
      await changeLeader(stage);
      const taken = await subject.chain.takeBack(how, random.integer(1, blocksMax));
      const detail = `${taken} ${taken === 1 ? "block" : "blocks"}`;
      // The next block shows the nodes what became of the last ones.
      return { affected: [], detail, heal: () => subject.chain.mine(1) };
    },
  };
}

const changesWithinMs = 8_000;

/** So that a term is what the chain takes back. @throws Error when nobody could be asked to go */
async function changeLeader({ subject, random, leaderNow, untilLeads }: Stage): Promise<void> {
  let refusal: unknown = null;
  let successor = 0;
  const changed = await becomes(async () => {
    const leader = leaderNow();
    successor = random.pick(others(subject, leader));
    try {
      await subject.machines.handOver(leader, successor);
      return true;
    } catch (error) {
      // Another one leads by now than the nodes said.
      refusal = error;
      return false;
    }
  }, changesWithinMs);
  if (!changed) throw refusal;
  await untilLeads(successor);
}

function rpcFault(name: string, about: string, modeOf: (stage: Stage) => RpcMode): Fault {
  return {
    name,
    about,
    needs: ["rpc"],
    nodesMin: 1,
    targets: ["leader", "follower"],
    holdMs: [1_500, 3_500],
    writesGoOn: name === "rpc-lies" ? never : always,
    async strike(stage) {
      const { subject, target } = stage;
      const { chain } = subject;
      chain.setRpc(target, modeOf(stage));
      // A node asks for more than the newest block only when there is a new one.
      await chain.mine(1);
      return {
        affected: name === "rpc-lies" ? [target] : [],
        async heal() {
          chain.setRpc(target, { kind: "true" });
          await chain.mine(1);
        },
      };
    },
  };
}

const agentAway: Fault = {
  name: "agent-away",
  about: "a node restarts while its guest agent is away",
  needs: ["guest-agent"],
  nodesMin: 3,
  targets: ["leader", "follower"],
  holdMs: [1_000, 3_000],
  writesGoOn: atFollowers,
  async strike({ subject: { agents, machines }, target }) {
    const bringBack = await agents.hide(target);
    await machines.kill(target);
    await machines.start(target);
    return { affected: [target], heal: bringBack };
  },
};

const agentsKilled: Fault = {
  name: "agents-killed",
  about: "all guest agents are ended, and start again",
  needs: ["guest-agent"],
  nodesMin: 1,
  targets: ["all"],
  holdMs: [1_000, 3_000],
  writesGoOn: always,
  async strike({ subject: { agents } }) {
    return { affected: [], heal: await agents.kill() };
  },
};

export const chainFaults: readonly Fault[] = [
  chainStop,
  slowBlocks(2, [3_000, 6_000]),
  slowBlocks(12, [14_000, 18_000]),
  takenBack("reorg", "the chain's last blocks, a change of leader in them, give way to empty ones"),
  takenBack("rollback", "the chain goes back by some blocks, a change of leader in them"),
  rpcFault("rpc-away", "a node's endpoint ends every connection", () => ({ kind: "away" })),
  rpcFault("rpc-hangs", "a node's endpoint never answers", () => ({ kind: "hangs" })),
  rpcFault("rpc-slow", "a node's endpoint takes 1.5 s for each answer", () => ({
    kind: "slow",
    ms: 1_500,
  })),
  rpcFault("rpc-lies", "a node's endpoint lies about term, leader or roster", ({ random }) => ({
    kind: "lies",
    lie: lieAbout(random.pick(lieNames), random.integer(0, 8)),
  })),
  agentAway,
  agentsKilled,
];

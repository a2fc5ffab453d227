/** Faults that only the processes' own parent can bring about, or end. Each is one step. */
import { ChangeError } from "../failure.ts";
import type { Cluster } from "../handle.ts";
import { nodeName } from "../node.ts";
import type { FaultRequest } from "./words.ts";

/** What is in the path between the nodes. */
export type NetworkFaults = {
  /** From now on nothing passes between these nodes and the others; connections stay up. */
  partition(numbers: readonly number[]): void;
  mend(): void;
};

export type Faults = {
  /**
   * @returns what was done, for a person
   * @throws ChangeError
   */
  carryOut(request: FaultRequest): Promise<string>;
};

type Struck = Pick<
  Cluster,
  | "nodes"
  | "positions"
  | "kill"
  | "restart"
  | "stopChain"
  | "startChain"
  | "signalAgents"
  | "startAgents"
>;
type Means = {
  readonly networkFaults: NetworkFaults | null;
  readonly report: (line: string) => void;
};

export function createFaults(cluster: Struck, { networkFaults, report }: Means): Faults {
  return {
    async carryOut(request) {
      const done = await carryOut(request);
      report(`fault      ${done}`);
      return done;
    },
  };

  function carryOut(request: FaultRequest): Promise<string> {
    if (request.kind === "node-fault") return strikeNode(request.act, request.number);
    if (request.kind === "part-fault") return strikePart(request.act);
    return partition(request.numbers);
  }

  async function strikeNode(act: NodeAct, number: number): Promise<string> {
    const name = nodeName(number);
    const node = nodeAt(number);
    if (act === "start") {
      if (node.pid() !== null) throw new ChangeError(`${name} runs already`);
      await cluster.restart(number - 1);
      return `${name} started`;
    }
    if (node.pid() === null) throw new ChangeError(`${name} does not run`);
    const [signal, done] = signalOf[act];
    await cluster.kill(number - 1, signal);
    return `${name} ${done}`;
  }

  function nodeAt(number: number) {
    const present = cluster.positions();
    const node = cluster.nodes[number - 1];
    if (node !== undefined && present.includes(number - 1)) return node;
    const names = present.map((position) => nodeName(position + 1)).join(", ");
    throw new ChangeError(`${nodeName(number)} is unknown; expected one of ${names}`);
  }

  async function strikePart(act: PartAct): Promise<string> {
    switch (act) {
      case "stop-chain":
        await cluster.stopChain();
        return "chain stopped";
      case "start-chain":
        await cluster.startChain();
        return "chain started";
      case "stop-agents":
        await cluster.signalAgents("SIGKILL");
        return "guest agents killed";
      case "start-agents":
        await cluster.startAgents();
        return "guest agents started";
      case "mend-network":
        // Where nothing is in the path, nothing is cut.
        networkFaults?.mend();
        return "every node reaches every other";
    }
  }

  async function partition(numbers: readonly number[]): Promise<string> {
    for (const number of numbers) nodeAt(number);
    requireInPath(networkFaults).partition(numbers);
    return `${numbers.map(nodeName).join(", ")} cut off from the others`;
  }
}

type NodeAct = Extract<FaultRequest, { readonly kind: "node-fault" }>["act"];
type PartAct = Extract<FaultRequest, { readonly kind: "part-fault" }>["act"];

const signalOf = {
  kill: ["SIGKILL", "killed"],
  pause: ["SIGSTOP", "paused"],
  resume: ["SIGCONT", "resumed"],
} as const;

function requireInPath(networkFaults: NetworkFaults | null): NetworkFaults {
  if (networkFaults !== null) return networkFaults;
  throw new ChangeError(
    "nothing is in the nodes' path that could cut it; stop the cluster and start it by " +
      "`npm start -- --faults`: its data stay",
  );
}

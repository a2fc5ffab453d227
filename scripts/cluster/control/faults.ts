/** Faults that only the processes' own parent can bring about, or end. Each is one step. */
import type { Command } from "../child.ts";
import { ChangeError } from "../failure.ts";
import type { Cluster } from "../handle.ts";
import { nodeName } from "../node.ts";
import type { Supervisor } from "../supervisor.ts";
import type { FaultRequest, LeverRequest, Mark, Note } from "./words.ts";

/** What a start with `--faults` has put into the nodes' path, and into their processes. */
export type Levers = {
  /** @returns what was done, for a person */
  pull(request: LeverRequest): Promise<string>;
  /** Undoes all of it. */
  letGo(): Promise<void>;
  marksOn(number: number): readonly Mark[];
  /**
   * A second process of a node, from the copy of its disk that lies ready for it.
   *
   * @throws ChangeError where the node was never started, or there is no such copy
   */
  clone(number: number): Command;
};

export type Faults = {
  /**
   * @returns what was done, for a person
   * @throws ChangeError
   */
  carryOut(request: FaultRequest): Promise<string>;
  notes(): readonly Note[];
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
  readonly levers: Levers | null;
  readonly supervisor: Pick<Supervisor, "start" | "signal" | "ended" | "isRunning">;
  readonly report: (line: string) => void;
};

export function createFaults(cluster: Struck, { levers, supervisor, report }: Means): Faults {
  const clones = clonesOf(levers, supervisor);
  return {
    async carryOut(request) {
      const done = await carryOut(request);
      report(`fault      ${done}`);
      return done;
    },
    notes: () => cluster.positions().flatMap((position) => notesOn(position + 1)),
  };

  function carryOut(request: FaultRequest): Promise<string> {
    if (request.kind === "node-fault") return strikeNode(request.act, request.number);
    if (request.kind === "part-fault") return strikePart(request.act);
    for (const number of request.numbers) nodeAt(number);
    return requireLevers(levers).pull(request);
  }

  async function strikeNode(act: NodeAct, number: number): Promise<string> {
    // Its node may have left meanwhile.
    if (act === "end-clone") return clones.end(number);
    const name = nodeName(number);
    const node = nodeAt(number);
    if (act === "clone") return clones.start(number);
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
      case "let-go":
        // Where nothing is in the path, nothing was done.
        await levers?.letGo();
        return "links, RPC endpoints and clocks are as they should be";
    }
  }

  function notesOn(number: number): readonly Note[] {
    const marks = [...clones.marksOn(number), ...(levers?.marksOn(number) ?? [])];
    return marks.map((mark) => ({ number, ...mark }));
  }
}

/** Second processes of nodes; like the first ones, they are the supervisor's to end. */
function clonesOf(levers: Means["levers"], supervisor: Means["supervisor"]) {
  return {
    async start(number: number): Promise<string> {
      const name = cloneName(number);
      if (supervisor.isRunning(name)) throw new ChangeError(`${name} runs already`);
      const command = requireLevers(levers).clone(number);
      await supervisor.start({ name, command, restartCode: null });
      return `${name} started beside ${nodeName(number)}`;
    },
    async end(number: number): Promise<string> {
      const name = cloneName(number);
      if (!supervisor.isRunning(name)) return `${name} has ended by itself`;
      supervisor.signal(name, "SIGKILL");
      await supervisor.ended(name);
      return `${name} ended`;
    },
    marksOn: (number: number): readonly Mark[] =>
      supervisor.isRunning(cloneName(number)) ? [clonedMark] : [],
  };
}

export const clonedMark: Mark = { text: "a clone beside it", hampers: true };

export function cloneName(number: number): string {
  return `${nodeName(number)}-clone`;
}

type NodeAct = Extract<FaultRequest, { readonly kind: "node-fault" }>["act"];
type PartAct = Extract<FaultRequest, { readonly kind: "part-fault" }>["act"];

const signalOf = {
  kill: ["SIGKILL", "killed"],
  pause: ["SIGSTOP", "paused"],
  resume: ["SIGCONT", "resumed"],
} as const;

function requireLevers(levers: Levers | null): Levers {
  if (levers !== null) return levers;
  throw new ChangeError(
    "nothing is in the nodes' path that could do that; stop the cluster and start it by " +
      "`npm start -- --faults`: its data stay",
  );
}

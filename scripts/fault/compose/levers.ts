/** What docker can do to the links of containers, and why it can do no more. */
import type { LeverRequest } from "../../cluster/control/words.ts";
import { ChangeError } from "../../cluster/failure.ts";
import { nodeName } from "../../cluster/node.ts";
import { connect, disconnect } from "../../docker/networks.ts";
import type { Breakable } from "../breakable.ts";
import { meshName, nodeIn, type Parts } from "./parts.ts";

export type LeversOptions = {
  readonly partsNow: () => Promise<Parts>;
  /** Docker's name of the network that members speak on. */
  readonly mesh: string;
  readonly say: (line: string) => void;
};

export function containerLevers(options: LeversOptions): Pick<Breakable, "pull" | "letGo"> {
  const { partsNow, mesh, say } = options;

  /** All but these are on the mesh from now on. */
  async function isolate(numbers: readonly number[]): Promise<void> {
    for (const node of (await partsNow()).nodes) {
      const isOn = node.addresses.has(mesh);
      const belongs = !numbers.includes(node.number);
      if (isOn && !belongs) await disconnect(mesh, node.name);
      if (!isOn && belongs) await connect(mesh, node.name, meshName(node));
    }
  }

  return {
    async pull(request) {
      if (request.kind !== "partition") throw refusalOf(request.kind);
      if (request.oneWay) throw refusalOf("one way");
      const parts = await partsNow();
      await isolate(alone(request.numbers, parts));
      say(`${request.numbers.map(nodeName).join(", ")} cut off from the others`);
    },
    async letGo() {
      await isolate([]);
      say("every node reaches every other");
    },
  };
}

/** Whoever is off the mesh reaches nobody: a side of several can only be the rest. */
function alone(numbers: readonly number[], parts: Parts): readonly number[] {
  for (const number of numbers) nodeIn(parts, number);
  const rest = parts.nodes.map(({ number }) => number).filter((each) => !numbers.includes(each));
  if (numbers.length === 1 || rest.length === 0) return numbers;
  if (rest.length === 1) return rest;
  throw new ChangeError("docker takes single containers off their network; expected one node");
}

type Undoable = Exclude<LeverRequest["kind"], "partition"> | "one way";

const reasons: Readonly<Record<Undoable, string>> = {
  "one way": "docker cuts a network in both directions",
  slow: "docker can cut a network, and not slow it",
  lossy: "docker can cut a network, and not lose packets on it",
  rpc: "nothing stands between the containers and their chain that could be told to",
  clock: "containers have the clock of their machine",
};

function refusalOf(kind: Undoable): ChangeError {
  const reason = reasons[kind];
  return new ChangeError(`${reason}; \`npm start -- --faults\` runs a cluster on which it works`);
}

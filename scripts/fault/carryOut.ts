/** One fault, from single steps, and what the cluster should make of it. */
import type { RpcBehaviour } from "../cluster/control/words.ts";
import { ChangeError } from "../cluster/failure.ts";
import { nodeName } from "../cluster/node.ts";
import { becomes } from "../cluster/wait.ts";
import type { Action, NodeAct } from "./action.ts";
import type { Breakable } from "./breakable.ts";
import {
  afterPartition,
  afterReturn,
  allThatRun,
  asBefore,
  everybody,
  whateverBecomesOf,
  withoutThese,
} from "./expectation.ts";
import type { Expected } from "./reaction.ts";
import { leaderIn, numbersThat, type Sight } from "./sight.ts";
import { resolveTargets } from "./targets.ts";

/** What a fault is done to, and who is told. */
export type Scene = {
  readonly cluster: Breakable;
  readonly before: Sight;
  readonly say: (line: string) => void;
};

/**
 * @returns what the cluster should come to
 * @throws ChangeError
 */
export async function carryOut(action: Action, scene: Scene): Promise<Expected> {
  const { cluster, before } = scene;
  switch (action.kind) {
    case "status":
      return allThatRun(before);
    case "nodes":
      return strikeNodes(action, scene);
    case "lever":
      return pullLever(action, scene);
    case "handover":
      return { ...allThatRun(before), leader: await handOver(action, scene) };
    case "chain":
      await cluster.chain[action.act]();
      return action.act === "start" ? allThatRun(before) : asBefore(before);
    case "block-time":
      await setBlockTime(action.seconds, scene);
      return asBefore(before);
    case "take-back":
      await takeBack(action, scene);
      return asBefore(before);
    case "stop-agents":
      await stopAgents(resolveTargets(action.targets, before), scene);
      return asBefore(before);
    case "start-agents":
      if (await cluster.agents.bringBack()) return asBefore(before);
      throw new ChangeError("every guest agent is there already");
    case "heal":
      await heal(scene);
      return everybody(before);
    default:
      return action satisfies never;
  }
}

type Of<Kind extends Action["kind"]> = Extract<Action, { readonly kind: Kind }>;

async function strikeNodes({ act, targets }: Of<"nodes">, scene: Scene): Promise<Expected> {
  const { cluster, before } = scene;
  const struck =
    act === "resume" && targets.length === 0
      ? numbersThat("paused", before)
      : resolveTargets(targets, before);
  if (struck.length === 0) throw new ChangeError("no node is paused");
  if (act === "rollback") for (const number of struck) await cluster.disks.requireSaved(number);
  await Promise.all(struck.map((number) => strikeNode(act, number, scene)));
  if (act === "save" || act === "clone") return asBefore(before);
  if (act === "kill" || act === "pause") return withoutThese(struck, before);
  return afterReturn(act, struck, before);
}

async function strikeNode(act: NodeAct, number: number, scene: Scene): Promise<void> {
  const { nodes, disks, clones } = scene.cluster;
  switch (act) {
    case "kill":
    case "pause":
    case "resume":
      return nodes[act](number);
    case "save":
      return whileStill(number, scene, () => disks.save(number));
    case "clone":
      await whileStill(number, scene, () => clones.prepare(number));
      return clones.start(number);
    case "restart":
      return startAgain(number, scene, async () => undefined);
    case "wipe":
      return startAgain(number, scene, () => disks.wipe(number));
    case "rollback":
      return startAgain(number, scene, () => disks.restore(number));
    default:
      return act satisfies never;
  }
}

/** So that a copy is of one moment. */
async function whileStill(
  number: number,
  { cluster: { nodes }, before }: Scene,
  work: () => Promise<void>,
): Promise<void> {
  if (!numbersThat("runs", before).includes(number)) return work();
  await nodes.pause(number);
  try {
    await work();
  } finally {
    await nodes.resume(number);
  }
}

/** @param work done while it is down */
async function startAgain(
  number: number,
  { cluster: { nodes }, before }: Scene,
  work: () => Promise<void>,
): Promise<void> {
  if (!numbersThat("down", before).includes(number)) await nodes.kill(number);
  await work();
  await nodes.start(number);
}

async function pullLever({ act, targets }: Of<"lever">, scene: Scene): Promise<Expected> {
  const { cluster, before } = scene;
  const numbers = resolveTargets(targets, before);
  await cluster.pull({ ...act, numbers });
  if (act.kind === "partition") return afterPartition(numbers, before, act.oneWay);
  if (act.kind === "clock") return asBefore(before);
  if (act.kind === "rpc") await untilHeard(numbers, act.behaviour, scene);
  return whateverBecomesOf(numbers, before);
}

const heardWithinMs = 5_000;

/** All lies are about the term as well: what a node says of it shows that it has heard one. */
async function untilHeard(
  numbers: readonly number[],
  behaviour: RpcBehaviour,
  { cluster, before }: Scene,
): Promise<void> {
  // A node asks for more than the newest block only when there is a new one.
  await (await cluster.chain.blocks()).mine(1);
  if (!behaviour.startsWith("lies-")) return;
  const termOf = ({ nodes }: Sight, wanted: number) =>
    nodes.find(({ number }) => number === wanted)?.status?.term;
  await becomes(async () => {
    const now = await cluster.look();
    return numbers.every((number) => termOf(now, number) !== termOf(before, number));
  }, heardWithinMs);
}

/** @returns the number of who should lead now */
async function handOver({ to }: Of<"handover">, scene: Scene): Promise<number> {
  const { cluster, before, say } = scene;
  const leader = leaderIn(before.nodes);
  if (leader === null) throw new ChangeError("nobody leads now, hence nobody can hand over");
  const [number] = resolveTargets([to], before);
  const successor = before.nodes.find((node) => node.number === number);
  const name = nodeName(leader.number);
  if (successor === undefined || successor.number === leader.number) {
    throw new ChangeError(`${name} leads already; expected a follower`);
  }
  await cluster.handOver(leader, successor);
  say(`${name} has named ${nodeName(successor.number)} the next leader`);
  return successor.number;
}

async function setBlockTime(seconds: number | null, { cluster, say }: Scene): Promise<void> {
  await (await cluster.chain.blocks()).setBlockTime(seconds);
  say(seconds === null ? "a block per transaction" : `a block every ${seconds} s`);
}

async function takeBack({ how, blocks }: Of<"take-back">, scene: Scene): Promise<void> {
  const taken = await (await scene.cluster.chain.blocks()).takeBack(how, blocks);
  if (taken === 0) {
    throw new ChangeError(
      "nothing taken back: the newest block is one that made the members, or started them again " +
        "after all had ended; try again once there are later ones, as after a hand-over",
    );
  }
  const note = taken < blocks ? ", for those before made the members" : "";
  scene.say(`chain: ${taken} of ${blocks} blocks taken back (${how})${note}`);
}

async function stopAgents(numbers: readonly number[], { cluster }: Scene): Promise<void> {
  if (numbers.length === 0) return cluster.agents.stop();
  for (const number of numbers) await cluster.agents.hide(number);
}

/** In the order in which they need each other. */
async function heal({ cluster, before }: Scene): Promise<void> {
  const { agents, chain, clones, nodes } = cluster;
  await agents.bringBack();
  if (before.head === null) await chain.start();
  const blocks = await chain.blocks();
  await blocks.setBlockTime(chain.blockTimeSeconds);
  await cluster.letGo();
  await clones.endAll();
  for (const number of numbersThat("paused", before)) await nodes.resume(number);
  // A clone and its original may have replaced one another until neither was started again.
  const { nodes: now } = await cluster.look();
  for (const { number, process } of now) if (process === "down") await nodes.start(number);
  // Nodes that were lied to look again only at a new block.
  await blocks.mine(1);
}

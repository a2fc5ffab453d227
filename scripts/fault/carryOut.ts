/** One fault, from the steps that the starter takes and those that are taken here. */
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { requestChange } from "../cluster/control/client.ts";
import type { FaultRequest } from "../cluster/control/words.ts";
import { ChangeError } from "../cluster/failure.ts";
import { guestSocket, type Layout } from "../cluster/layout.ts";
import { nodeName } from "../cluster/node.ts";
import type { ClusterRecord } from "../cluster/record.ts";
import type { Action, NodeAct } from "./action.ts";
import { blocksOf } from "./chain.ts";
import { requireSaved, restoreDisk, saveDisk, wipeDisk } from "./disks.ts";
import { handOver } from "./handOver.ts";
import type { Expected } from "./reaction.ts";
import type { NodeSight, Sight } from "./sight.ts";
import { resolveTargets } from "./targets.ts";

/** What a fault is done to, and who is told. */
export type Scene = {
  readonly layout: Layout;
  readonly record: ClusterRecord;
  readonly before: Sight;
  readonly say: (line: string) => void;
};

/**
 * @returns what the cluster should come to
 * @throws ChangeError
 */
export async function carryOut(action: Action, scene: Scene): Promise<Expected> {
  const running = numbersThat("runs", scene);
  const whole = { sides: [running], leader: null };
  const asBefore = { sides: [numbersThatServe(scene)], leader: null };
  switch (action.kind) {
    case "status":
      return whole;
    case "nodes":
      return strikeNodes(action, scene, running);
    case "handover":
      return { ...whole, leader: await handOver(action.to, scene) };
    case "chain":
      await ask(scene, { kind: "part-fault", act: `${action.act}-chain` });
      return action.act === "start" ? whole : asBefore;
    case "block-time":
      await (await blocksOf(scene.record)).setBlockTime(action.seconds);
      scene.say(
        action.seconds === null ? "a block per transaction" : `a block every ${action.seconds} s`,
      );
      return asBefore;
    case "take-back":
      await takeBack(action, scene);
      return asBefore;
    case "stop-agents":
      await stopAgents(resolveTargets(action.targets, scene.before), scene);
      return asBefore;
    case "start-agents":
      await startAgents(scene);
      return asBefore;
    case "heal":
      await heal(scene);
      return { sides: [scene.before.nodes.map(({ number }) => number)], leader: null };
  }
}

async function ask({ layout, say }: Scene, request: FaultRequest): Promise<void> {
  await requestChange(layout, request, say);
}

type NodesAction = Extract<Action, { readonly kind: "nodes" }>;

async function strikeNodes(
  { act, targets }: NodesAction,
  scene: Scene,
  running: readonly number[],
): Promise<Expected> {
  const struck =
    act === "resume" && targets.length === 0
      ? numbersThat("paused", scene)
      : resolveTargets(targets, scene.before);
  if (struck.length === 0) throw new ChangeError("no node is paused");
  const withoutStruck = (numbers: readonly number[]) =>
    numbers.filter((number) => !struck.includes(number));
  if (act === "partition") {
    await ask(scene, { kind: "partition", numbers: [...struck] });
    const cutOff = running.filter((number) => struck.includes(number));
    return { sides: [cutOff, withoutStruck(running)], leader: null };
  }
  for (const number of act === "rollback" ? struck : []) requireSaved(scene.layout, number);
  await Promise.all(struck.map((number) => strikeNode(act, number, scene)));
  const served = numbersThatServe(scene);
  if (act === "save") return { sides: [served], leader: null };
  if (act === "kill" || act === "pause") return { sides: [withoutStruck(served)], leader: null };
  // Who has come back may be just what the others lacked.
  const hadQuorum = served.length * 2 > scene.before.nodes.length;
  const side = [...withoutStruck(hadQuorum ? served : running), ...struck];
  return { sides: [side], leader: null };
}

async function strikeNode(
  act: Exclude<NodeAct, "partition">,
  number: number,
  scene: Scene,
): Promise<void> {
  const order = (step: "kill" | "start" | "pause" | "resume") =>
    ask(scene, { kind: "node-fault", act: step, number });
  if (act === "kill" || act === "pause" || act === "resume") return order(act);
  const { process } = scene.before.nodes.find((node) => node.number === number) ?? {};
  if (act === "save") {
    await whilePaused(process === "runs", order, () => saveDisk(scene.layout, number));
    scene.say(`${nodeName(number)}'s disk kept below ${scene.layout.savedDir}`);
    return;
  }
  if (process !== "down") await order("kill");
  if (act === "wipe") await wipeDisk(scene.layout, number);
  if (act === "rollback") await restoreDisk(scene.layout, number);
  await order("start");
}

/** So that the copy is of one moment. */
async function whilePaused(
  runs: boolean,
  order: (step: "pause" | "resume") => Promise<void>,
  work: () => Promise<void>,
): Promise<void> {
  if (!runs) return work();
  await order("pause");
  try {
    await work();
  } finally {
    await order("resume");
  }
}

async function takeBack(
  { how, blocks }: Extract<Action, { readonly kind: "take-back" }>,
  scene: Scene,
): Promise<void> {
  const taken = await (await blocksOf(scene.record)).takeBack(how, blocks);
  if (taken === 0) {
    throw new ChangeError(
      "nothing taken back: the newest block is one that made the members, or started them again " +
        "after all had ended; try again once there are later ones, as after a hand-over",
    );
  }
  const note = taken < blocks ? ", for those before made the members" : "";
  scene.say(`chain: ${taken} of ${blocks} blocks taken back (${how})${note}`);
}

const away = ".away";

async function stopAgents(numbers: readonly number[], scene: Scene): Promise<void> {
  if (numbers.length === 0) return ask(scene, { kind: "part-fault", act: "stop-agents" });
  for (const number of numbers) {
    const name = nodeName(number);
    const socket = guestSocket(scene.record.socketDir, name);
    if (!existsSync(socket)) throw new ChangeError(`${name}'s guest agent is away already`);
    // Whoever listens goes on, under a name that nobody looks for.
    await rename(socket, `${socket}${away}`);
    scene.say(`${name}'s guest agent is away`);
  }
}

async function startAgents(scene: Scene): Promise<void> {
  const back = await bringSocketsBack(scene);
  if (agentsRun(scene)) {
    if (!back) throw new ChangeError("every guest agent is there already");
    return;
  }
  await ask(scene, { kind: "part-fault", act: "start-agents" });
}

/** @returns whether one was away */
async function bringSocketsBack({ record, say }: Scene): Promise<boolean> {
  let any = false;
  for (const { number } of record.nodes) {
    const socket = guestSocket(record.socketDir, nodeName(number));
    if (!existsSync(`${socket}${away}`)) continue;
    await rename(`${socket}${away}`, socket);
    say(`${nodeName(number)}'s guest agent is back`);
    any = true;
  }
  return any;
}

function agentsRun({ record }: Scene): boolean {
  return record.processes.some(({ name }) => name === "simulator");
}

/** In the order in which they need each other. */
async function heal(scene: Scene): Promise<void> {
  await bringSocketsBack(scene);
  if (!agentsRun(scene)) await ask(scene, { kind: "part-fault", act: "start-agents" });
  if (scene.before.head === null) await ask(scene, { kind: "part-fault", act: "start-chain" });
  await (await blocksOf(scene.record)).setBlockTime(scene.record.blockTimeSeconds);
  await ask(scene, { kind: "part-fault", act: "mend-network" });
  for (const number of numbersThat("paused", scene)) {
    await ask(scene, { kind: "node-fault", act: "resume", number });
  }
  for (const number of numbersThat("down", scene)) {
    await ask(scene, { kind: "node-fault", act: "start", number });
  }
}

function numbersThat(process: NodeSight["process"], { before }: Scene): readonly number[] {
  return before.nodes.filter((node) => node.process === process).map(({ number }) => number);
}

/** Whoever was in trouble before need not be well after another fault. */
function numbersThatServe({ before }: Scene): readonly number[] {
  return before.nodes.filter(({ trouble }) => trouble === null).map(({ number }) => number);
}

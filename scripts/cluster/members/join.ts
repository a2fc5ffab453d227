/** A new node: its guest agent, its token, its process, and the wait until it is a member. */
import { setTimeout as delay } from "node:timers/promises";
import { setUp } from "../../setup/setup.ts";
import type { Context } from "../context.ts";
import { ChangeError, reasonOf } from "../failure.ts";
import { guestSocket } from "../layout.ts";
import { nodeName, nodeUrl, rpcUrlOf, serves } from "../node.ts";
import { answerTimeoutMs, blocksMs, startAgents, startNode } from "../nodes.ts";
import { agentServiceOf, askAgainMs, type Change, type Patience, quorumOf } from "./change.ts";
import { operatorOf } from "./operator.ts";
import { noteNode, strikeNode } from "./roll.ts";
import { isLive, lagAt, type NodeStatus, statusAt } from "./status.ts";

const graceMs = 3_500;

/**
 * Resolves once the node serves as a member. The leader admits it by itself: nothing but time may
 * be missing when this gives up, and the node then goes on without it.
 *
 * @throws ChangeError
 */
export async function join(change: Change, patience: Patience): Promise<void> {
  const { context, number, say, signal } = change;
  const name = nodeName(number);
  try {
    await startAgents(context, agentServiceOf(number), [number]);
    say(`guest agent at ${guestSocket(context.record().socketDir, name)}`);
    const wallet = await provide(change);
    await startNode(context, number);
    say(`started at ${nodeUrl(context.record().basePort, number)}`);
    await untilMember(change, wallet, patience);
    say(await placeOf(context, name, wallet));
  } catch (error) {
    signal.throwIfAborted();
    if (!context.supervisor.isRunning(name)) await undo(change);
    throw new ChangeError(reasonOf(error), { cause: error });
  }
}

/** @returns the node's wallet, with gas and a token */
async function provide({ context, number, say }: Change): Promise<string> {
  const { socketDir, basePort, deployment } = context.record();
  const name = nodeName(number);
  const { nodes } = await setUp({
    rpcUrl: rpcUrlOf(basePort),
    agents: [{ name, endpoint: guestSocket(socketDir, name) }],
    contract: deployment?.contract ?? null,
    timeoutMs: answerTimeoutMs + blocksMs(context),
  });
  const wallet = nodes[0]?.wallet;
  if (wallet === undefined) throw new ChangeError(`${name} has no wallet`);
  await noteNode(context, number, { wallet });
  say(`wallet ${wallet} funded, a token minted and assigned to it`);
  return wallet;
}

async function untilMember(change: Change, wallet: string, patience: Patience): Promise<void> {
  const { timeoutMs, abandoned } = patience;
  const { context, number, say, signal } = change;
  const [name, url] = [nodeName(number), nodeUrl(context.record().basePort, number)];
  const until = performance.now() + timeoutMs;
  for (;;) {
    context.supervisor.requireRunning(name);
    const status = await statusAt(url);
    if (isLive(status) && (await serves(url))) return;
    const progress = await progressOf(status, wallet);
    say(progress);
    if (abandoned.aborted || performance.now() > until) {
      throw new ChangeError(
        `${name} is not a member after ${timeoutMs / 1_000} s: ${progress}; it goes on by itself, ` +
          `see ${url}/status and ${context.layout.log(name)}`,
      );
    }
    await delay(askAgainMs, undefined, { signal });
  }
}

async function progressOf(status: NodeStatus | null, wallet: string): Promise<string> {
  if (status === null) return "its process starts";
  switch (status.role) {
    case "unregistered":
      return status.waitingFor === undefined ? "registers" : `waits for ${status.waitingFor}`;
    case "pending": {
      const { leader } = status;
      const lag = leader === null ? null : await lagAt(leader.endpoint, wallet);
      return lag === null ? "pending" : `pending, ${lag} entries behind`;
    }
    default:
      return `in the roster of term ${status.term}, not serving yet`;
  }
}

async function placeOf(context: Context, name: string, wallet: string): Promise<string> {
  const { term, members } = await operatorOf(context).membership();
  const rank = members.findIndex((member) => member.wallet === wallet) + 1;
  if (rank === 0) throw new ChangeError(`${name} was admitted, and removed again by term ${term}`);
  const count = members.length;
  return `admitted in term ${term}: member ${rank} of ${count}, quorum ${quorumOf(count)}`;
}

/** A node that never ran, or ended before it was a member, leaves nothing behind but its disk. */
async function undo({ context, number, say }: Change): Promise<void> {
  const wallet = context.record().nodes.find((node) => node.number === number)?.wallet ?? null;
  try {
    const operator = operatorOf(context);
    const { standing, tokenId } =
      wallet === null ? { standing: "none", tokenId: 0n } : await operator.node(wallet);
    if (standing === "active") return;
    if (standing === "pending") await operator.retire(tokenId);
    await context.supervisor.stop([agentServiceOf(number)], graceMs);
    await strikeNode(context, number);
    say("did not come in, and is given up");
  } catch (error) {
    say(`cannot be given up: ${reasonOf(error)}; the next start goes on with it`);
  }
}

/**
 * A node on its way out. Its process runs on until the others have gone on without it: before that,
 * what they agree upon may still need it, and a restart of them all would wait for it.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Membership } from "../../setup/membership.ts";
import type { Context } from "../context.ts";
import { reasonOf } from "../failure.ts";
import { nodeName } from "../node.ts";
import { agentServiceOf, askAgainMs, type Change, quorumOf } from "./change.ts";
import { type Operator, operatorOf } from "./operator.ts";
import { noteNode, requireNode, strikeNode } from "./roll.ts";
import { isBorneOutAt, isLive, statusAt } from "./status.ts";

const graceMs = 3_500;

/**
 * Resolves once the node is gone: from the roster, from this machine, from the record.
 *
 * @param wallet the node's, lower case
 * @throws Error saying why the operator cannot ask for it; then the node stays
 */
export async function depart(change: Change, wallet: string): Promise<void> {
  const { context, number, say } = change;
  const operator = operatorOf(context);
  const { leaving: isResumed } = requireNode(context, number);
  await noteNode(context, number, { leaving: true });
  const place = await ask(operator, wallet).catch(async (error: unknown) => {
    await noteNode(context, number, { leaving: false });
    throw error;
  });
  say(asked[place]);
  // Whatever its exit code asks for: started again, it would register anew.
  context.supervisor.expectEnd(nodeName(number));
  // One that a start has found half gone may have registered anew, and have counted before.
  const counted = isResumed || place !== "pending";
  const left = await untilGone(change, operator, { wallet, counted, removedBy: null });
  await finish(change, operator, wallet, left);
}

type Leaver = {
  readonly wallet: string;
  /** Whether some roster may have counted it: a pending node that is dropped was in none. */
  readonly counted: boolean;
  /** The first term that was seen to be without it; `null` while it is a member. */
  readonly removedBy: number | null;
};

async function untilGone(
  { context, say, signal }: Change,
  operator: Operator,
  first: Leaver,
): Promise<Membership> {
  let leaver = first;
  const { wallet } = first;
  for (;;) {
    const membership = await operator.membership().catch(() => null);
    if (membership === null) say("departing: waits for the chain to answer");
    else {
      // Refused only if something has changed since: then the next look tells.
      await askIn(membership, operator, wallet).catch(() => undefined);
      leaver = seenIn(membership, leaver);
      const waitsFor = await obstacle(context, membership, leaver);
      if (waitsFor === null) {
        say(leaver.counted ? `removed in term ${leaver.removedBy}` : "dropped, never a member");
        return membership;
      }
      say(`departing: ${waitsFor}`);
    }
    await delay(askAgainMs, undefined, { signal });
  }
}

function seenIn({ members, term }: Membership, leaver: Leaver): Leaver {
  const isMember = members.some((seat) => seat.wallet === leaver.wallet);
  return isMember
    ? { ...leaver, counted: true, removedBy: null }
    : { ...leaver, removedBy: leaver.removedBy ?? term };
}

/** Where the contract lists a node before it is asked to let it go. */
type Place = "member" | "pending" | "absent";

const asked: Readonly<Record<Place, string>> = {
  member: "departing: asked for on the chain",
  pending: "departing: it was not a member yet",
  absent: "not a member: the chain is asked for nothing",
};

async function ask(operator: Operator, wallet: string): Promise<Place> {
  return askIn(await operator.membership(), operator, wallet);
}

/** Also for a node that was removed before it started again, and so registered anew. */
async function askIn(
  { members, pending }: Membership,
  operator: Operator,
  wallet: string,
): Promise<Place> {
  const member = members.find((seat) => seat.wallet === wallet);
  const seat = member ?? pending.find((other) => other.wallet === wallet);
  if (seat === undefined) return "absent";
  if (!seat.departing) await operator.retire(seat.tokenId);
  return member === undefined ? "pending" : "member";
}

/** @returns what the departure waits for; `null` when the node is out and nobody needs it */
async function obstacle(
  context: Context,
  membership: Membership,
  { wallet, counted, removedBy }: Leaver,
): Promise<string | null> {
  if (removedBy === null) return whyStillMember(context, membership, wallet);
  if (!counted) return null;
  const borneOut = await Promise.all(
    membership.members.map(({ endpoint }) => isBorneOutAt(endpoint, removedBy)),
  );
  if (borneOut.includes(true)) return null;
  return `removed by term ${removedBy}; waits for the others to go on without it`;
}

/** The leader removes nobody without whom the others would lack a quorum of live members. */
async function whyStillMember(
  { record }: Context,
  { members }: Membership,
  wallet: string,
): Promise<string> {
  const others = members.filter((seat) => seat.wallet !== wallet);
  const statuses = await Promise.all(others.map(({ endpoint }) => statusAt(endpoint)));
  const silent = others.filter((_, position) => !isLive(statuses[position] ?? null));
  const needed = quorumOf(others.length);
  if (others.length - silent.length >= needed) return "waits for the leader to remove it";
  const names = new Map(record().nodes.map((node) => [node.wallet, nodeName(node.number)]));
  const list = silent.map((seat) => names.get(seat.wallet) ?? `slot ${seat.slot}`).join(", ");
  return `waits until a quorum without it is live, ${needed} of ${others.length}; not live: ${list}`;
}

async function finish(
  { context, number, say }: Change,
  operator: Operator,
  wallet: string,
  { members }: Membership,
): Promise<void> {
  const { supervisor, layout } = context;
  const name = nodeName(number);
  const ended = supervisor.isRunning(name) ? "process ended" : "had ended before";
  await supervisor.stop([name], graceMs);
  await supervisor.stop([agentServiceOf(number)], graceMs);
  say(`${ended}; its disk stays in ${layout.nodeDir(name)}`);
  await takeTokenBack(operator, wallet).catch((error: unknown) => {
    say(`its token is still assigned to it: ${reasonOf(error)}`);
  });
  await strikeNode(context, number);
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  say(`left: ${count} now, quorum ${quorumOf(members.length)}`);
}

async function takeTokenBack(operator: Operator, wallet: string): Promise<void> {
  await ask(operator, wallet);
  const { standing, tokenId } = await operator.node(wallet);
  if (standing === "left" && tokenId !== 0n) await operator.takeBack(tokenId);
}

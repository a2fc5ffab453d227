/** What a cluster should come to after a fault, as far as the protocol says. */
import { isLive } from "../cluster/members/status.ts";
import { nodeName } from "../cluster/node.ts";
import type { NodeAct } from "./action.ts";
import type { Expected } from "./reaction.ts";
import { leaderIn, type NodeSight, numbersThat, numbersThatServe, type Sight } from "./sight.ts";

/** Everybody who serves goes on to. */
export function asBefore(before: Sight): Expected {
  return oneSide(numbersThatServe(before));
}

/** Everybody who runs serves. */
export function allThatRun(before: Sight): Expected {
  return oneSide(without(hampered(before), numbersThat("runs", before)));
}

export function everybody(before: Sight): Expected {
  return oneSide(before.nodes.map(({ number }) => number));
}

/** The others serve without these, who are gone. */
export function withoutThese(struck: readonly number[], before: Sight): Expected {
  const others = without(struck, numbersThatServe(before));
  return awaitsElection(others, before) ? nobodyOf(others, noElection) : oneSide(others);
}

/** The others serve, with these or without them. */
export function whateverBecomesOf(struck: readonly number[], before: Sight): Expected {
  return { ...withoutThese(struck, before), doubtful: struck };
}

/** @param struck reach only each other; if `oneWay`, they hear the others and are not heard */
export function afterPartition(
  struck: readonly number[],
  before: Sight,
  oneWay: boolean,
): Expected {
  const running = numbersThat("runs", before);
  const cutOff = running.filter((number) => struck.includes(number));
  const others = without(struck, running);
  const sides = oneWay ? [others] : [cutOff, others];
  const headless = sides.filter((side) => awaitsElection(side, before));
  return {
    ...nobodyOf(headless.flat(), headless.length > 0 ? noElection : null),
    sides: sides.flatMap((side) => (headless.includes(side) ? singly(side) : [side])),
  };
}

const noElection =
  "no service is expected: the chain is away, and elections are votes on it; `chain start` brings " +
  "it back";

/** Whether a side is without its leader while nobody can be elected. */
function awaitsElection(side: readonly number[], { nodes, head }: Sight): boolean {
  const leader = leaderIn(nodes);
  return head === null && leader !== null && !side.includes(leader.number);
}

type Returning = Extract<NodeAct, "resume" | "restart" | "wipe" | "rollback">;

/**
 * Who was started again counts only once a quorum that has run on without a break lets it in. Where
 * none has, it takes a cold start, which needs every member (protocol, section 8).
 */
export function afterReturn(act: Returning, struck: readonly number[], before: Sight): Expected {
  const { nodes } = before;
  const out = hampered(before, struck);
  const isBack = ({ number, process }: NodeSight) =>
    (process === "runs" || struck.includes(number)) && !out.includes(number);
  const back = nodes.filter(isBack);
  const absent = nodes.filter((node) => !isBack(node));
  const hasRunOn = ({ number, status }: NodeSight) =>
    struck.includes(number) ? act === "resume" : isLive(status);
  const quorumRanOn = isQuorum(back.filter(hasRunOn), nodes);
  if (absent.length === 0 || quorumRanOn || !isQuorum(back, nodes)) {
    const served = numbersThatServe(before);
    // Who has come back may be just what the others lacked.
    const others = served.length * 2 > nodes.length ? served : numbersThat("runs", before);
    return oneSide(without(out, [...without(struck, others), ...struck]));
  }
  return nobodyOf(
    back.map(({ number }) => number),
    "no service is expected: no quorum has run on without a break, and a cold start needs every " +
      `member: ${absent.map(absenceOf).join(", ")}`,
  );
}

function absenceOf({ number, process, marks }: NodeSight): string {
  const hampering = marks.filter(({ hampers }) => hampers).map(({ text }) => text);
  const name = nodeName(number);
  return process === "runs" ? `${name} (${hampering.join(", ")})` : `${name} is ${process}`;
}

function isQuorum(some: readonly NodeSight[], all: readonly NodeSight[]): boolean {
  return some.length * 2 > all.length;
}

function oneSide(numbers: readonly number[]): Expected {
  return { sides: [numbers], doubtful: [], leader: null, note: null };
}

/**
 * Of whom nothing can be expected for what is done to them; not those who serve all the same.
 *
 * @param starting they may have served before
 */
function hampered({ nodes }: Sight, starting: readonly number[] = []): readonly number[] {
  return nodes
    .filter(({ number, trouble }) => trouble !== null || starting.includes(number))
    .filter(({ marks }) => marks.some(({ hampers }) => hampers))
    .map(({ number }) => number);
}

/** Each by itself: none is to serve. */
function nobodyOf(numbers: readonly number[], note: string | null): Expected {
  return { sides: singly(numbers), doubtful: [], leader: null, note };
}

function singly(numbers: readonly number[]): readonly (readonly number[])[] {
  return numbers.map((number) => [number]);
}

function without(struck: readonly number[], numbers: readonly number[]): readonly number[] {
  return numbers.filter((number) => !struck.includes(number));
}

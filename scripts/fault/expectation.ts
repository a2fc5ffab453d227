/** What a cluster should come to after a fault, as far as the protocol says. */
import { isLive } from "../cluster/members/status.ts";
import { nodeName } from "../cluster/node.ts";
import type { NodeAct } from "./action.ts";
import type { Expected } from "./reaction.ts";
import { type NodeSight, numbersThat, numbersThatServe, type Sight } from "./sight.ts";

/** Everybody who serves goes on to. */
export function asBefore(before: Sight): Expected {
  return oneSide(numbersThatServe(before));
}

/** Everybody who runs serves. */
export function allThatRun(before: Sight): Expected {
  return oneSide(numbersThat("runs", before));
}

export function everybody(before: Sight): Expected {
  return oneSide(before.nodes.map(({ number }) => number));
}

/** The others serve without these, who are gone. */
export function withoutThese(struck: readonly number[], before: Sight): Expected {
  return oneSide(without(struck, numbersThatServe(before)));
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
  return { ...oneSide(others), sides: oneWay ? [others] : [cutOff, others] };
}

type Returning = Extract<NodeAct, "resume" | "restart" | "wipe" | "rollback">;

/**
 * Who was started again counts only once a quorum that has run on without a break lets it in. Where
 * none has, it takes a cold start, which needs every member (protocol, section 8).
 */
export function afterReturn(act: Returning, struck: readonly number[], before: Sight): Expected {
  const { nodes } = before;
  const isBack = ({ number, process }: NodeSight) => process === "runs" || struck.includes(number);
  const back = nodes.filter(isBack);
  const absent = nodes.filter((node) => !isBack(node));
  const hasRunOn = ({ number, status }: NodeSight) =>
    struck.includes(number) ? act === "resume" : isLive(status);
  const quorumRanOn = isQuorum(back.filter(hasRunOn), nodes);
  if (absent.length === 0 || quorumRanOn || !isQuorum(back, nodes)) {
    const served = numbersThatServe(before);
    // Who has come back may be just what the others lacked.
    const others = served.length * 2 > nodes.length ? served : numbersThat("runs", before);
    return oneSide([...without(struck, others), ...struck]);
  }
  const lacking = absent.map(({ number, process }) => `${nodeName(number)} is ${process}`);
  return {
    sides: back.map(({ number }) => [number]),
    doubtful: [],
    leader: null,
    note:
      "no service is expected: no quorum has run on without a break, and a cold start needs every " +
      `member: ${lacking.join(", ")}`,
  };
}

function isQuorum(some: readonly NodeSight[], all: readonly NodeSight[]): boolean {
  return some.length * 2 > all.length;
}

function oneSide(numbers: readonly number[]): Expected {
  return { sides: [numbers], doubtful: [], leader: null, note: null };
}

function without(struck: readonly number[], numbers: readonly number[]): readonly number[] {
  return numbers.filter((number) => !struck.includes(number));
}

/** Whom a word on the command line means, in the cluster as it is seen. */
import { InvalidArgumentError } from "commander";
import { ChangeError } from "../cluster/failure.ts";
import { nodeName } from "../cluster/node.ts";
import { nodeNumberMax } from "../cluster/ports.ts";
import type { Target } from "./action.ts";
import { leaderIn, type Sight } from "./sight.ts";

/** @throws InvalidArgumentError */
export function targetOf(text: string): Target {
  if (text === "leader" || text === "follower" || text === "all") return text;
  const digits = /^(?:node)?([1-9]\d?)$/.exec(text)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new InvalidArgumentError(
    `Expected leader, follower, all, or the number of a node from 1 to ${nodeNumberMax}.`,
  );
}

/**
 * @returns numbers of nodes, each once, in the order of the words
 * @throws ChangeError when nobody is meant
 */
export function resolveTargets(targets: readonly Target[], sight: Sight): readonly number[] {
  return [...new Set(targets.flatMap((target) => resolve(target, sight)))];
}

function resolve(target: Target, { nodes }: Sight): readonly number[] {
  const numbers = nodes.map(({ number }) => number);
  if (target === "all") return numbers;
  if (target === "leader") {
    const leader = leaderIn(nodes);
    if (leader === null) throw new ChangeError("nobody leads now; name a node by its number");
    return [leader.number];
  }
  if (target === "follower") {
    const following = nodes.filter(({ status }) => status?.role === "follower");
    // One that has lost its leader is meant only where no other is left.
    const follower = following.find(({ trouble }) => trouble === null) ?? following[0];
    if (follower === undefined) {
      throw new ChangeError("nobody follows a leader now; name a node by its number");
    }
    return [follower.number];
  }
  if (numbers.includes(target)) return [target];
  const names = numbers.map(nodeName).join(", ");
  throw new ChangeError(`${nodeName(target)} is unknown; expected one of ${names}`);
}

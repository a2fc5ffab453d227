/** What every change of the members works with. */
import type { Context } from "../context.ts";
import { nodeName } from "../node.ts";

export type Change = {
  readonly context: Context;
  /** Of the node that comes or goes. */
  readonly number: number;
  /** What has come about, for a person. */
  readonly say: (line: string) => void;
  /** Aborted when the cluster stops. */
  readonly signal: AbortSignal;
};

/** How long whoever asked for a change waits for it. */
export type Patience = {
  readonly timeoutMs: number;
  /** Aborted when nobody waits any more. */
  readonly abandoned: AbortSignal;
};

/** How often nodes and the contract are asked whether they have come further. */
export const askAgainMs = 200;

/** Lines about one node; one that says the same as the last is left out. */
export function linesAbout(number: number, say: (line: string) => void): (text: string) => void {
  let last = "";
  return (text) => {
    if (text !== last) say(`${nodeName(number).padEnd(10)} ${text}`);
    last = text;
  };
}

/** The process that serves the guest agent of a node that came later than the first ones. */
export function agentServiceOf(number: number): string {
  return `agent${number}`;
}

export function quorumOf(memberCount: number): number {
  return Math.floor(memberCount / 2) + 1;
}

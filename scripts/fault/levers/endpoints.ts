/** What each node asks of the chain, and what it is told. */
import { lieAbout } from "../../chaos/faults/lies.ts";
import { type RpcMode, startRpcProxy } from "../../chaos/net/rpcProxy.ts";
import type { Command } from "../../cluster/child.ts";
import type { Mark, RpcBehaviour } from "../../cluster/control/words.ts";
import { host } from "../../cluster/ports.ts";

export type Endpoints = {
  adapt(number: number, command: Command): Command;
  set(number: number, behaviour: RpcBehaviour): void;
  mend(): void;
  marksOn(number: number): readonly Mark[];
  close(): Promise<void>;
};

const slowMs = 1_500;

export const rpcWords: Readonly<Record<RpcBehaviour, string>> = {
  true: "tells the truth",
  away: "is away",
  hangs: "takes calls and never answers",
  slow: `takes ${slowMs} ms for each answer`,
  "lies-term": "lies about the term",
  "lies-leader": "lies about the leader",
  "lies-roster": "lies about the roster",
};

/** @param chainUrl known once the first node starts */
export async function openEndpoints(chainUrl: () => string): Promise<Endpoints> {
  const behaviours = new Map<number, RpcBehaviour>();
  const proxy = await startRpcProxy({
    host,
    get upstream() {
      return chainUrl();
    },
  });

  function set(number: number, behaviour: RpcBehaviour): void {
    behaviours.set(number, behaviour);
    proxy.set(number, modeOf(behaviour, number));
  }

  return {
    adapt: (number, command) => ({
      ...command,
      env: { ...command.env, RPC_URLS: proxy.urlOf(number) },
    }),
    set,
    mend() {
      for (const number of behaviours.keys()) set(number, "true");
    },
    marksOn(number) {
      const behaviour = behaviours.get(number) ?? "true";
      if (behaviour === "true") return [];
      return [{ text: `RPC ${rpcWords[behaviour]}`, hampers: behaviour !== "slow" }];
    },
    close: () => proxy.close(),
  };
}

/** @param nth which of the members a lie is about, in their order from 0, again and again */
function modeOf(behaviour: RpcBehaviour, nth: number): RpcMode {
  switch (behaviour) {
    case "true":
    case "away":
    case "hangs":
      return { kind: behaviour };
    case "slow":
      return { kind: "slow", ms: slowMs };
    case "lies-term":
      return { kind: "lies", lie: lieAbout("term", nth) };
    case "lies-leader":
      return { kind: "lies", lie: lieAbout("leader", nth) };
    case "lies-roster":
      return { kind: "lies", lie: lieAbout("roster", nth) };
    default:
      return behaviour satisfies never;
  }
}

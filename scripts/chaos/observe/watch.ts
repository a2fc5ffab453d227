/** Watches the nodes while a run goes on: who leads, who serves. */
import { z } from "zod";
import { call } from "../clients/call.ts";
import type { SubjectNode } from "../subject.ts";

export type Sample = {
  readonly atNs: number;
  readonly node: number;
  /** `null`: it did not answer. */
  readonly role: string | null;
  readonly term: number;
  readonly commitIndex: number;
};

export type Watch = {
  /** Only where something changed. */
  readonly samples: readonly Sample[];
  /** Position of the newest term's leader, by its own word; `null`: nobody leads now. */
  leader(): number | null;
  /** Position of the last that was seen to lead; 0 when none ever was. */
  lastLeader(): number;
  latest(node: number): Sample | null;
  stop(): Promise<void>;
};

const everyMs = 100;
const timeoutMs = 400;
const statusSchema = z.object({
  role: z.string(),
  term: z.number(),
  commitIndex: z.number(),
});

export function watchNodes(nodes: readonly SubjectNode[], nowNs: () => number): Watch {
  const samples: Sample[] = [];
  const latest = new Map<number, Sample>();
  const abort = new AbortController();

  async function look(node: number, url: string): Promise<void> {
    const headers = {};
    const reply = await call({
      url: `${url}/status`,
      method: "GET",
      headers,
      body: null,
      timeoutMs,
    });
    const status = reply.outcome === "ok" ? statusSchema.safeParse(reply.body).data : undefined;
    const { role = null, term = 0, commitIndex = 0 } = status ?? {};
    const sample = { atNs: nowNs(), node, role, term, commitIndex };
    const before = latest.get(node);
    if (before?.role !== role || before.term !== term) samples.push(sample);
    latest.set(node, sample);
  }

  async function keepLooking(node: number, url: string): Promise<void> {
    while (!abort.signal.aborted) {
      await look(node, url);
      await pause(everyMs, abort.signal);
    }
  }

  const watching = nodes.map(({ url }, node) => keepLooking(node, url));
  return {
    samples,
    leader() {
      const leading = [...latest.values()].filter(({ role }) => role === "leader");
      return leading.sort((a, b) => b.term - a.term)[0]?.node ?? null;
    },
    lastLeader: () => samples.findLast(({ role }) => role === "leader")?.node ?? 0,
    latest: (node) => latest.get(node) ?? null,
    async stop() {
      abort.abort();
      await Promise.all(watching);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}

/**
 * Reads the log of every node while it grows, since nodes keep only its last part, and holds what
 * each says of an index against what another, or itself earlier, said of it.
 */
import { z } from "zod";
import { call } from "../clients/call.ts";
import type { SubjectNode } from "../subject.ts";

export type LogEntry = {
  readonly index: number;
  readonly term: number;
  readonly kind: string;
  readonly hash: string;
  /** What a counter's command adds. */
  readonly by: number | null;
  /** What it led to, where some node still knew. */
  readonly result: number | null;
};

export type LogConflict = {
  readonly index: number;
  readonly nodes: readonly [number, number];
  readonly what: string;
};

export type Logs = {
  /** By index, ascending; gaps are what no node could show in time. */
  entries(): readonly LogEntry[];
  readonly conflicts: readonly LogConflict[];
  /** Reads from each node what it has, to its end. */
  readAll(again: boolean): Promise<void>;
  /** The last entry that each node was seen to hold as committed. */
  heads(): ReadonlyMap<number, number>;
};

const pageLength = 1_000;
const timeoutMs = 2_000;
const pageSchema = z.object({
  entries: z.array(
    z.object({
      index: z.number(),
      term: z.number(),
      kind: z.string(),
      hash: z.string(),
      command: z.unknown(),
      result: z.unknown(),
    }),
  ),
  firstIndex: z.number(),
  lastIndex: z.number(),
});
const commandSchema = z.object({ by: z.number() });
type Page = z.infer<typeof pageSchema>;

export function createLogs(nodes: readonly SubjectNode[]): Logs {
  const known = new Map<number, { readonly entry: LogEntry; readonly from: number }>();
  const conflicts: LogConflict[] = [];
  const heads = new Map<number, number>();

  function note(node: number, entry: LogEntry): void {
    const before = known.get(entry.index);
    if (before === undefined) {
      known.set(entry.index, { entry, from: node });
      return;
    }
    const what = differenceOf(before.entry, entry);
    if (what !== null) conflicts.push({ index: entry.index, nodes: [before.from, node], what });
    if (before.entry.result === null && entry.result !== null) {
      known.set(entry.index, { entry, from: before.from });
    }
  }

  async function readOne(node: number, url: string, from: number): Promise<void> {
    for (let next = from; ; ) {
      const page = await pageOf(url, next);
      if (page === null) return;
      for (const each of page.entries) note(node, entryOf(each));
      const last = page.entries.at(-1)?.index ?? 0;
      heads.set(node, Math.max(last, heads.get(node) ?? 0));
      next = last + 1;
      if (last === 0 || last >= page.lastIndex) return;
    }
  }

  return {
    entries: () => [...known.values()].map(({ entry }) => entry).sort((a, b) => a.index - b.index),
    conflicts,
    heads: () => heads,
    async readAll(again) {
      const from = (node: number) => (again ? 1 : (heads.get(node) ?? 0) + 1);
      await Promise.all(nodes.map(({ url }, node) => readOne(node, url, from(node))));
    },
  };
}

function differenceOf(a: LogEntry, b: LogEntry): string | null {
  if (a.hash !== b.hash) return `hash ${a.hash} and ${b.hash}`;
  const differ = a.result !== null && b.result !== null && a.result !== b.result;
  return differ ? `result ${a.result} and ${b.result}` : null;
}

async function pageOf(url: string, from: number): Promise<Page | null> {
  const path = `/log?from=${from}&limit=${pageLength}`;
  const options = { method: "GET", headers: {}, body: null, timeoutMs } as const;
  const reply = await call({ url: `${url}${path}`, ...options });
  return reply.outcome === "ok" ? (pageSchema.safeParse(reply.body).data ?? null) : null;
}

function entryOf({ index, term, kind, hash, command, result }: Page["entries"][number]): LogEntry {
  return {
    index,
    term,
    kind,
    hash,
    by: commandSchema.safeParse(command).data?.by ?? null,
    result: typeof result === "number" ? result : null,
  };
}

/** Looks at a node from the outside: its process, its files and what it says of itself. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { usageOf } from "../bench/usage.ts";
import type { ClusterNode } from "../cluster/handle.ts";
import type { Sample } from "./series.ts";

const askTimeoutMs = 5_000;
const bytesPerMib = 1_048_576;
const msPerSecond = 1_000;

export async function sampleNode(node: ClusterNode, seconds: number): Promise<Sample> {
  const pid = node.pid();
  const [metrics, log, status] = await Promise.all([
    ask(`${node.url}/metrics`),
    ask(`${node.url}/log?limit=1`),
    ask(`${node.url}/status`),
  ]);
  const bytes = metricOf(metrics?.text, "process_heap_used_bytes");
  const delay = metricOf(metrics?.text, "event_loop_delay_seconds");
  return {
    seconds: round(seconds, 1),
    node: node.name,
    pid,
    rss: round(usageOf(node)?.rssMiB ?? null, 1),
    heap: round(bytes === null ? null : bytes / bytesPerMib, 1),
    handles: pid === null ? null : handlesOf(pid),
    eventLoopDelay: round(delay === null ? null : delay * msPerSecond, 1),
    journal: round(bytesIn(node.dataDir) / bytesPerMib, 2),
    log: entriesOf(log?.text),
    status: round(status?.tookMs ?? null, 2),
  };
}

type Answer = { readonly text: string; readonly tookMs: number };

/** null while it does not answer. */
async function ask(url: string): Promise<Answer | null> {
  try {
    const sinceMs = performance.now();
    const answer = await fetch(url, { signal: AbortSignal.timeout(askTimeoutMs) });
    const text = await answer.text();
    return answer.ok ? { text, tookMs: performance.now() - sinceMs } : null;
  } catch {
    return null;
  }
}

export function metricOf(text: string | undefined, name: string): number | null {
  const value = new RegExp(`^dstack_cluster_${name} (\\S+)$`, "m").exec(text ?? "")?.[1];
  return value === undefined ? null : Number(value);
}

const logSchema = z.object({ firstIndex: z.number(), lastIndex: z.number() });

function entriesOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const { firstIndex, lastIndex } = logSchema.parse(JSON.parse(text));
  return lastIndex - firstIndex + 1;
}

/** null where there is no /proc. */
function handlesOf(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + bytesOf(join(parentPath, name)), 0);
}

/** A file may be gone by now: segments come and go. */
function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function round<Value extends number | null>(value: Value, digits: number): Value {
  return (value === null ? null : Number(value.toFixed(digits))) as Value;
}

/** What nodes say of themselves and of each other over HTTP, as far as changes of members need it. */
import { z } from "zod";

const timeoutMs = 1_000;

const statusSchema = z.object({
  role: z.enum(["leader", "follower", "recovering", "pending", "unregistered"]),
  term: z.number(),
  /** The leader that serves; `null` while there is none. */
  leader: z.object({ endpoint: z.string() }).nullable(),
  commitIndex: z.number(),
  waitingFor: z.string().optional(),
});
const logSchema = z.object({
  entries: z.array(z.object({ term: z.number(), kind: z.string() })),
});
const rowsSchema = z.array(z.object({ wallet: z.string(), lagEntries: z.number().nullable() }));

export type NodeStatus = Readonly<z.infer<typeof statusSchema>>;

/** @returns `null` when the node does not answer */
export async function statusAt(url: string): Promise<NodeStatus | null> {
  return statusSchema.safeParse(await answerOf(`${url}/status`)).data ?? null;
}

/**
 * How many entries a member or a pending node lacks, as the node at `url` knows.
 *
 * @param wallet lower case
 * @returns `null` when it does not know
 */
export async function lagAt(url: string, wallet: string): Promise<number | null> {
  const rows = rowsSchema.safeParse(await answerOf(`${url}/members`)).data ?? [];
  return rows.find((row) => row.wallet.toLowerCase() === wallet)?.lagEntries ?? null;
}

/**
 * Whether the node at `url` holds a committed entry that was appended by an active leader of `term`
 * or a later one. Only then does its log alone show, after a restart, that the roster of that term
 * has replaced the ones before.
 */
export async function isBorneOutAt(url: string, term: number): Promise<boolean> {
  const status = await statusAt(url);
  if (status === null || status.leader === null || status.term < term) return false;
  const page = await answerOf(`${url}/log?from=${Math.max(1, status.commitIndex)}&limit=1`);
  const entry = logSchema.safeParse(page).data?.entries[0];
  return entry !== undefined && entry.term >= term && entry.kind !== "term-start";
}

/** Whether it takes part as a member, as far as it says itself. */
export function isLive(status: NodeStatus | null): status is NodeStatus {
  return status?.role === "leader" || status?.role === "follower";
}

async function answerOf(url: string): Promise<unknown> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return await answer.json();
  } catch {
    return null;
  }
}

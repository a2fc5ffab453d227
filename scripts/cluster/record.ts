/** `cluster.json`: what a data directory holds, and which processes run on it. */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { StartError } from "./failure.ts";
import { nodeCountMax } from "./ports.ts";

const processSchema = z.object({
  name: z.string(),
  pid: z.number().int().positive(),
  bornAt: z.string(),
});

const recordSchema = z.object({
  format: z.literal(1),
  nodeCount: z.number().int().min(1).max(nodeCountMax),
  basePort: z.number().int().positive(),
  /** `null`: a block per transaction. */
  blockTimeSeconds: z.number().int().positive().nullable(),
  socketDir: z.string(),
  ports: z.object({
    chain: z.number(),
    http: z.array(z.number()).readonly(),
    peer: z.array(z.number()).readonly(),
  }),
  /** `null` until the set-up has deployed the contract. */
  deployment: z.object({ chainId: z.number(), contract: z.string(), appId: z.string() }).nullable(),
  /** Whoever started the others and watches over them; `null` once all is stopped. */
  supervisor: processSchema.nullable(),
  processes: z.array(processSchema).readonly(),
});

export type ClusterRecord = Readonly<z.infer<typeof recordSchema>>;
export type RecordedProcess = z.infer<typeof processSchema>;

/**
 * @returns `null` when the directory holds no cluster yet
 * @throws StartError when the file is not one of ours
 */
export function readRecord(path: string): ClusterRecord | null {
  const text = readOrNull(path);
  if (text === null) return null;
  const parsed = recordSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new StartError(
    `${path} is damaged (${problem.join("; ")}); --fresh starts over without its data`,
  );
}

/** Replaces the file in one step: a reader, or a start after a crash, never meets half of it. */
export async function writeRecord(path: string, record: ClusterRecord): Promise<void> {
  const next = `${path}.next`;
  await writeFile(next, `${JSON.stringify(record, null, 2)}\n`);
  await rename(next, path);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `cluster.json`: what a data directory holds, and which processes run on it. */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { StartError } from "./failure.ts";
import { nodeNumberMax } from "./ports.ts";

const processSchema = z.object({
  name: z.string(),
  pid: z.number().int().positive(),
  bornAt: z.string(),
});

const nodeSchema = z.object({
  /** Its name is `node` and this; never given to another node of the data directory. */
  number: z.number().int().min(1).max(nodeNumberMax),
  /** `null` until the set-up has asked its guest agent. */
  wallet: z.string().nullable(),
  /** It was asked to leave; it runs until the others have gone on without it. */
  leaving: z.boolean(),
});

const formatVersion = 2;
const recordSchema = z.object({
  format: z.literal(formatVersion),
  /** Ascending by number. Those that have left are gone from it. */
  nodes: z.array(nodeSchema).min(1).readonly(),
  /** The greatest that was ever given. */
  lastNumber: z.number().int().min(1).max(nodeNumberMax),
  /** All ports follow from it. */
  basePort: z.number().int().positive(),
  /** `null`: a block per transaction. */
  blockTimeSeconds: z.number().int().positive().nullable(),
  /** The guest agents' sockets and the starter's own. */
  socketDir: z.string(),
  /** `null` until the set-up has deployed the contract. */
  deployment: z.object({ chainId: z.number(), contract: z.string(), appId: z.string() }).nullable(),
  /** Whoever started the others and watches over them; `null` once all is stopped. */
  supervisor: processSchema.nullable(),
  processes: z.array(processSchema).readonly(),
});
const anyFormatSchema = z.object({ format: z.number() });

export type ClusterRecord = Readonly<z.infer<typeof recordSchema>>;
export type RecordedProcess = z.infer<typeof processSchema>;
export type RecordedNode = Readonly<z.infer<typeof nodeSchema>>;

/**
 * @returns `null` when the directory holds no cluster yet
 * @throws StartError when the file is not one of ours, or of another version
 */
export function readRecord(path: string): ClusterRecord | null {
  const text = readOrNull(path);
  if (text === null) return null;
  const content = parseJson(text);
  const format = anyFormatSchema.safeParse(content).data?.format ?? formatVersion;
  if (format !== formatVersion) {
    throw new StartError(
      `${path} is of format ${format}, of another version of this project; expected ` +
        `${formatVersion}; --fresh starts over without its data`,
    );
  }
  const parsed = recordSchema.safeParse(content);
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

export function numbersIn({ nodes }: Pick<ClusterRecord, "nodes">): readonly number[] {
  return nodes.map(({ number }) => number);
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

/** What a node answers: read with bounds, believed in nothing. */
import { z } from "zod";
import { collateralSchema } from "../../node/src/tee/collateral.ts";
import { reasonOf } from "../cluster/failure.ts";

/** An answer of the expected shape, or why there is none. */
export type Asked<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  | { readonly kind: "none"; readonly reason: string };

const answerBytesMax = 8 * 1_048_576;

const hexOf = (bytes: number, prefix = "") => new RegExp(`^${prefix}[0-9a-f]{${bytes * 2}}$`);
const address = z.string().regex(hexOf(20, "0x"), "expected an address in lower case");
const digest = z.string().regex(hexOf(32), "expected 32 bytes of hex");
const count = z.number().int().nonnegative();

const checkpoint = z.object({ coldTerm: count, index: count, logRoot: digest, stateHash: digest });

/** What `GET /attestation` adds to a boot proof, which is read where it is verified. */
export const attestationSchema = z.looseObject({
  wallet: address,
  /** null: the node has none, for it was never asked to judge a quote. */
  collateral: collateralSchema.nullish(),
  /** That the member signed itself, the latest few. */
  checkpoints: z
    .array(z.object({ checkpoint, signature: z.string() }))
    .max(256)
    .optional(),
});

export const statusSchema = z.object({
  node: z.object({ slot: count.nullable(), wallet: address.nullable(), bootKey: digest }),
  role: z.string(),
  term: count,
  leader: z.object({ slot: count, wallet: address, endpoint: z.string() }).nullable(),
  lastIndex: count,
  commitIndex: count,
  chain: z.object({ id: count, contract: z.string(), block: count }),
});

export const membersSchema = z.array(
  z.object({
    slot: count,
    tokenId: z.string(),
    wallet: address,
    instanceId: z.string().regex(hexOf(20)),
    endpoint: z.string(),
    bootKey: digest,
    role: z.string(),
  }),
);

export const logPageSchema = z.object({
  entries: z.array(z.looseObject({ index: count, kind: z.string(), command: z.unknown() })),
  firstIndex: count,
});

export type AttestationAnswer = z.infer<typeof attestationSchema>;
export type StatusAnswer = z.infer<typeof statusSchema>;
export type MembersAnswer = z.infer<typeof membersSchema>;

/** @param origin the node's endpoint, http or https */
export async function ask<Schema extends z.ZodType>(
  schema: Schema,
  { origin, path, timeoutMs }: { origin: string; path: string; timeoutMs: number },
): Promise<Asked<z.infer<Schema>>> {
  const base = URL.parse(origin);
  if (base === null || !/^https?:$/.test(base.protocol)) return none("its URL is not an http URL");
  const url = new URL(path, base.origin);
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    // Where an answer comes from is the contract's to say, not the answer's.
    const response = await fetch(url, { signal, redirect: "error" });
    const text = await readText(response);
    if (!response.ok) return none(`${url.pathname}: status ${response.status}${detailIn(text)}`);
    const read = schema.safeParse(JSON.parse(text));
    if (read.success) return { kind: "answer", value: read.data };
    const [issue] = read.error.issues;
    const place = issue?.path.join(".") || "its top";
    return none(`${url.pathname}: its answer cannot be used, at ${place}: ${issue?.message}`);
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const reason = isLate ? `no answer in ${timeoutMs} ms` : reasonOf(cause);
    return none(`${url.pathname}: ${reason}`);
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const problemSchema = z.object({ detail: z.string() });

function detailIn(text: string): string {
  try {
    const { detail } = problemSchema.parse(JSON.parse(text));
    return `, ${detail.slice(0, 200)}`;
  } catch {
    return "";
  }
}

const none = (reason: string): { kind: "none"; reason: string } => ({ kind: "none", reason });

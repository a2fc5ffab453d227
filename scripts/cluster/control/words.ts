/**
 * What `npm run join`, `leave` and `fault` say to the starter, and it to them: one JSON document a
 * line, the request first, then progress, then how it ended.
 */
import { z } from "zod";
import { nodeNumberMax } from "../ports.ts";

const timeoutMsMax = 86_400_000;
/** `null`: the starter's own default. */
const timeoutMs = z.number().int().positive().max(timeoutMsMax).nullable();

const nodeNumber = z.number().int().min(1).max(nodeNumberMax);

const numbers = z.array(nodeNumber).min(1).readonly();
export const clockOffMsMax = 1_000 * 86_400_000;
export const linkDelayMsMax = 60_000;

/** What a node's RPC endpoint does: tells the truth, or one of these. */
export const rpcBehaviours = [
  "true",
  "away",
  "hangs",
  "slow",
  "lies-term",
  "lies-leader",
  "lies-roster",
] as const;

/** Faults that only a start with `--faults` can bring about: it has put something into the path. */
const leverSchemas = [
  /** Nothing passes between these and the others; `oneWay`: these still hear the others. */
  z.strictObject({ kind: z.literal("partition"), numbers, oneWay: z.boolean() }),
  /** Every piece between these and the others takes so much longer. */
  z.strictObject({
    kind: z.literal("slow"),
    numbers,
    delayMs: z.number().int().min(0).max(linkDelayMsMax),
  }),
  /** As if so many packets in a hundred were lost between these and the others. */
  z.strictObject({
    kind: z.literal("lossy"),
    numbers,
    lossPercent: z.number().int().min(0).max(100),
  }),
  z.strictObject({ kind: z.literal("rpc"), numbers, behaviour: z.enum(rpcBehaviours) }),
  /** 0: the clock is right. */
  z.strictObject({
    kind: z.literal("clock"),
    numbers,
    offMs: z.number().int().min(-clockOffMsMax).max(clockOffMsMax),
  }),
] as const;

/** Faults that take the processes' own parent, each one step: `npm run fault` puts them together. */
const faultSchemas = [
  z.strictObject({
    kind: z.literal("node-fault"),
    act: z.enum(["kill", "start", "pause", "resume", "clone", "end-clone"]),
    number: nodeNumber,
  }),
  z.strictObject({
    kind: z.literal("part-fault"),
    act: z.enum(["stop-chain", "start-chain", "stop-agents", "start-agents", "let-go"]),
  }),
  ...leverSchemas,
] as const;
const faultSchema = z.discriminatedUnion("kind", faultSchemas);

export const requestSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("join"), timeoutMs }),
  z.strictObject({
    kind: z.literal("leave"),
    number: nodeNumber,
    forget: z.boolean(),
    timeoutMs,
  }),
  ...faultSchemas,
  /** What is done to the nodes, and cannot be seen from outside. */
  z.strictObject({ kind: z.literal("notes") }),
]);

export const answerSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("progress"), text: z.string() }),
  z.object({
    kind: z.literal("note"),
    number: nodeNumber,
    text: z.string(),
    hampers: z.boolean(),
  }),
  z.object({ kind: z.literal("done") }),
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);

export type RpcBehaviour = (typeof rpcBehaviours)[number];
export type LeverRequest = z.infer<(typeof leverSchemas)[number]>;
export type FaultRequest = z.infer<typeof faultSchema>;
/** What is done to a node, for a person. */
export type Mark = {
  readonly text: string;
  /** Whether a node that does not serve need not come to, as long as it lasts. */
  readonly hampers: boolean;
};
export type Note = Mark & { readonly number: number };
export type ChangeRequest = z.infer<typeof requestSchema>;
export type ChangeAnswer = z.infer<typeof answerSchema>;

export const timeoutSecondsMax = timeoutMsMax / 1_000;

/** @returns what is wrong with the line, where it is no request */
export function readRequest(line: string): ChangeRequest | string {
  const parsed = requestSchema.safeParse(parseJson(line));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  return (
    `the request cannot be read (${issues.join("; ")}); expected one line such as ` +
    '{"kind":"join","timeoutMs":null}'
  );
}

/** @returns `null` where the line is no answer */
export function readAnswer(line: string): ChangeAnswer | null {
  return answerSchema.safeParse(parseJson(line)).data ?? null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

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

/** Faults that take the processes' own parent, each one step: `npm run fault` puts them together. */
const faultSchemas = [
  z.strictObject({
    kind: z.literal("node-fault"),
    act: z.enum(["kill", "start", "pause", "resume"]),
    number: nodeNumber,
  }),
  z.strictObject({
    kind: z.literal("part-fault"),
    act: z.enum(["stop-chain", "start-chain", "stop-agents", "start-agents", "mend-network"]),
  }),
  /** Nothing passes between these and the others. */
  z.strictObject({
    kind: z.literal("partition"),
    numbers: z.array(nodeNumber).min(1),
  }),
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
]);

export const answerSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("progress"), text: z.string() }),
  z.object({ kind: z.literal("done") }),
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);

export type FaultRequest = z.infer<typeof faultSchema>;
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

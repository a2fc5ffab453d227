/** An answer before it is put on the wire, by whichever door the request came in. */

export type Answer = {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export const jsonType = "application/json";

/** Answers show a moment of a moving cluster: nothing may keep them. */
const unkept = { "cache-control": "no-store" } as const;

export function answerJson(value: unknown): Answer {
  return { status: 200, type: jsonType, headers: unkept, body: JSON.stringify(value) };
}

export function answerText(body: string): Answer {
  const type = "text/plain; version=0.0.4; charset=utf-8";
  return { status: 200, type, headers: unkept, body };
}

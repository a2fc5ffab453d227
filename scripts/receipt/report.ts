/** A verdict for people, and for programs. */
import { describeCommand } from "../../node/src/application/machine.ts";
import type { Entry } from "../../node/src/consensus/entry.ts";
import { columns } from "../cluster/columns.ts";
import type { Verdict } from "./verify.ts";

export type EntryContent = {
  readonly kind: Entry["body"]["kind"];
  readonly index: number;
  readonly term: number;
  /** Milliseconds since the Unix epoch, as the leader noted it. */
  readonly time: number;
  readonly application: string | null;
  /** What the entry says; null for a mark, and for a command that no application reads. */
  readonly command: unknown;
};

export function contentOf({ index, term, timeMs: time, body }: Entry): EntryContent {
  const { kind, ...fields } = body;
  const place = { kind, index, term, time };
  if (body.kind === "command") {
    const described = describeCommand(body.payload);
    const { application, command } = described ?? { application: null, command: null };
    return { ...place, application, command };
  }
  return { ...place, application: null, command: body.kind === "mark" ? null : fields };
}

export function tableOf(verdict: Verdict): string {
  const { steps, entry, holds } = verdict;
  const rows = steps.map(({ step, result, detail }) => [step, result, detail]);
  const failures = steps.filter(({ result }) => result === "failed").map(({ step }) => step);
  return [
    ...(entry === null ? [] : [sentenceOf(contentOf(entry)), ""]),
    ...columns([["step", "result", "what was found"], ...rows]),
    "",
    holds ? "The receipt holds." : `The receipt does not hold: ${failures.join(", ")}.`,
  ].join("\n");
}

export function jsonOf({ holds, steps, entry }: Verdict): string {
  const content = entry === null ? null : contentOf(entry);
  return JSON.stringify({ holds, steps, entry: content }, null, 2);
}

function sentenceOf({ kind, index, term, time, application, command }: EntryContent): string {
  const said = command === null ? "" : ` ${JSON.stringify(command)}`;
  const whose = application === null ? "" : ` of the ${application}`;
  const when = new Date(time).toISOString();
  return `Entry ${index} of term ${term}, ${when}: ${kind}${whose}${said}`;
}

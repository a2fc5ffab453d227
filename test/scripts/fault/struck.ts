/** A cluster that `npm start` runs, and `npm run fault` against it. */
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { temporaryDir } from "../cluster/program.ts";
import { runScript, startArgs } from "../start/command.ts";

export type Struck = {
  /** What was seen of each node at last, as its line says. */
  readonly after: readonly string[];
  readonly output: string;
};

/** Stopped when the test ends. */
export async function startedPlace(basePort: number, ...more: readonly string[]) {
  const place = { dataDir: join(await temporaryDir(), "data"), basePort };
  const at = ["--data-dir", place.dataDir];
  onTestFinished(async () => {
    await runScript("stop", at);
  });
  const { code, output } = await runScript("start", startArgs(place, "--detach", ...more));
  expect(output).toContain("serving    all 3");
  expect(code).toBe(0);
  const fault = async (...words: readonly string[]): Promise<Struck> => {
    const struck = await runScript("fault", [...at, "--timeout", "120", ...words]);
    expect(struck.output).toMatch(/settled [\d.]+ s after\n$/);
    expect(struck.code).toBe(0);
    return { after: rowsOf(struck.output), output: struck.output };
  };
  const refused = async (...words: readonly string[]) => {
    const { code: refusal, output: reason } = await runScript("fault", [...at, ...words]);
    expect(refusal).toBe(1);
    return reason;
  };
  return { place, fault, refused };
}

export function rowsOf(output: string): readonly string[] {
  const rows = output.match(/^ +after +(?:runs|paused|down) .*$/gm) ?? [];
  return rows.map((row) => row.replace(/ +/g, " ").trim());
}

/** Number of the one that leads, in what was seen; 0: nobody does. */
export function leaderIn({ after }: Pick<Struck, "after">): number {
  return after.findIndex((row) => row.startsWith("after runs leader")) + 1;
}

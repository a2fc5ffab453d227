/** Sets processes to work, each on the core without one rule. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Finding } from "./attempt.ts";
import type { Rule } from "./rule.ts";

const script = fileURLToPath(new URL("attempt.ts", import.meta.url));
const processesMax = 2;

/**
 * Tries the rule's hint, then all other runs, until an invariant breaks without the rule.
 *
 * @throws Error with the process's own words when the rule cannot be switched off
 */
export type Attempt = (rule: Rule) => Promise<Finding>;

/** Few processes at a time, whatever the number of calls. */
export function createAttempt(): Attempt {
  const waiting: (() => void)[] = [];
  let free = processesMax;

  async function enter(): Promise<void> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return async (rule) => {
    await enter();
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [script, rule.name]);
      return JSON.parse(stdout) as Finding;
    } finally {
      leave();
    }
  };
}

/** Waiting for what another process does: asked again and again, with a bound. */
import { setTimeout as delay } from "node:timers/promises";

const askAgainMs = 25;

/**
 * Asks until the answer is `true`.
 *
 * @returns whether it became so within `timeoutMs`
 */
export async function becomes(
  question: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (!(await question())) {
    if (performance.now() > until) return false;
    await delay(askAgainMs);
  }
  return true;
}

/**
 * Runs in a process of its own: the core without one rule, until an invariant breaks.
 *
 *     node attempt.ts <name of the rule>
 *
 * The core knows nothing of it: the source is rewritten as Node loads it. Prints a `Finding` as JSON.
 */
import type { Hint, Rule } from "./rule.ts";
import { ruleNamed } from "./rules.ts";
import { switchOff } from "./switchOff.ts";

/** What broke, and in which run; null when nothing did. */
export type Finding = { readonly caughtBy: Hint; readonly invariant: string } | null;

const seedCount = 500;

async function find(rule: Rule): Promise<Finding> {
  switchOff(rule);
  // Not before the rule is off: these bring the core along.
  const [
    { isLiveness, simulate },
    { drawScenario },
    { play, schedules: common },
    { ruleSchedules },
  ] = await Promise.all([
    import("../simulate.ts"),
    import("../scenario.ts"),
    import("../schedules/schedules.ts"),
    import("./schedules.ts"),
  ]);
  const schedules = { ...common, ...ruleSchedules };

  function broken(by: Hint): string | undefined {
    if (typeof by === "number") return simulate(drawScenario(by)).violation?.invariant;
    const schedule = schedules[by];
    if (schedule === undefined) throw new Error(`expected the name of a schedule, got "${by}"`);
    try {
      return play(schedule).violation?.invariant;
    } catch {
      // It did not come about as told: that is not yet a broken invariant.
      return undefined;
    }
  }

  const seeds = Array.from({ length: seedCount }, (_, at) => at + 1);
  for (const by of [rule.shownBy, ...seeds, ...Object.keys(schedules)]) {
    const invariant = broken(by);
    // A core that throws was not rid of a rule but broken; and what stops has lost nothing.
    if (invariant === undefined || invariant === "the core does not throw") continue;
    if (rule.threatens === "liveness" || !isLiveness(invariant)) return { caughtBy: by, invariant };
  }
  return null;
}

console.log(JSON.stringify(await find(ruleNamed(process.argv[2] ?? ""))));

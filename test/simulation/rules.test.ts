import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createAttempt } from "./rules/attempts.ts";
import { type Rule, without } from "./rules/rule.ts";
import { rules } from "./rules/rules.ts";
import { ruleSchedules } from "./rules/schedules.ts";
import { namesIn } from "./rules/table.ts";
import { drawScenario } from "./scenario.ts";
import { play } from "./schedules/schedules.ts";
import { simulate } from "./simulate.ts";

/** Time for a search through all seeds, when a hint holds no more. */
const patienceMs = 600_000;

describe.concurrent("without this rule an invariant breaks", () => {
  const attempt = createAttempt();
  test.each(rules)("$section $name", { timeout: patienceMs }, async (rule) => {
    const finding = await attempt(rule);
    expect(finding, `no run breaks an invariant without: ${rule.name}`).not.toBeNull();
  });
});

test("with every rule the same seeds break none", () => {
  const seeds = new Set(rules.map(({ shownBy }) => shownBy).filter((by) => typeof by === "number"));
  for (const seed of seeds) expect(simulate(drawScenario(seed)).violation, `${seed}`).toBeNull();
});

test.each(Object.entries(ruleSchedules))("with every rule: %s", (_name, schedule) => {
  expect(play(schedule).violation).toBeNull();
});

test("the README's table names the rules, in their order", () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  expect(namesIn(readme)).toEqual(rules.map(({ name }) => name));
});

describe("a rule that moved is noticed", () => {
  const edits = [{ file: "a.ts", find: "x > 0", replace: "true" }];
  const rule: Rule = { name: "x grows", section: "1", edits, threatens: "safety", shownBy: 1 };

  test("once is right", () => {
    expect(without(rule, "a.ts", "if (x > 0) y();")).toBe("if (true) y();");
    expect(without(rule, "b.ts", "z();")).toBe("z();");
  });

  test.each(["if (x >= 0) y();", "x > 0 && x > 0"])("%s", (source) => {
    expect(() => without(rule, "a.ts", source)).toThrow(/x grows.*a\.ts.*x > 0/);
  });
});

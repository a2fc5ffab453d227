/** Every rule that can be switched off. The sections are those of protocol.md. */
import { coldStartRules } from "./coldStarts.ts";
import { officeRules } from "./office.ts";
import { recoveryRules } from "./recovery.ts";
import { replicationRules } from "./replication.ts";
import type { Rule } from "./rule.ts";
import { tenureRules } from "./tenure.ts";

export const rules: readonly Rule[] = [
  ...officeRules,
  ...replicationRules,
  ...recoveryRules,
  ...coldStartRules,
  ...tenureRules,
];

/** @throws Error when there is no rule of that name */
export function ruleNamed(name: string): Rule {
  const rule = rules.find((each) => each.name === name);
  if (rule === undefined) throw new Error(`expected the name of a rule, got "${name}"`);
  return rule;
}

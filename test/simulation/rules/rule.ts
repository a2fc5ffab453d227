/** A rule of the protocol, and what the core would be without it. */

/** A replacement in one source file under node/src/consensus. */
export type Edit = {
  readonly file: string;
  /** Must occur exactly once: a rule that moved is to be noticed. */
  readonly find: string;
  readonly replace: string;
};

/** Named by a seed, or by the name of a schedule played by hand. */
export type Hint = number | string;

export type Rule = {
  /** In the protocol's words. */
  readonly name: string;
  /** Of protocol.md. */
  readonly section: string;
  /** Switch off this rule alone. More than one where a second check stands behind the first. */
  readonly edits: readonly Edit[];
  /** What the rule is for: the lack of a safety rule must break an invariant of safety. */
  readonly threatens: "safety" | "liveness";
  /** A run that breaks an invariant without the rule: tried first. */
  readonly shownBy: Hint;
};

/**
 * The source without the rule.
 *
 * @throws Error naming rule and file when the text of an edit does not occur exactly once
 */
export function without({ name, edits }: Rule, file: string, source: string): string {
  let changed = source;
  for (const { find, replace } of edits.filter((edit) => edit.file === file)) {
    const occurrences = changed.split(find).length - 1;
    if (occurrences !== 1) {
      throw new Error(
        `rule "${name}": expected exactly one occurrence in node/src/consensus/${file} of ` +
          `${JSON.stringify(find)}, found ${occurrences}`,
      );
    }
    // A function, since a replacement text may hold patterns such as $&.
    changed = changed.replace(find, () => replace);
  }
  return changed;
}

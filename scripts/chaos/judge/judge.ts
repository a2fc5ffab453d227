/** The verdict on a run: pure functions of what was recorded. */
import { isWrite, type Operation } from "../history.ts";
import type { Strike } from "../nemesis.ts";
import type { LogConflict, LogEntry } from "../observe/logs.ts";
import type { Ending, Office } from "../subject.ts";
import { type Disorder, disordersIn, overlapsIn, type Placed } from "./counterHistory.ts";
import { type Replay, replay } from "./replay.ts";

/** A node when all was over and the clients were silent. */
export type Final = {
  readonly node: string;
  readonly appliedIndex: number;
  readonly value: number | null;
  /** The newest checkpoint that a quorum signed, as this node shows it. */
  readonly checkpoint: {
    readonly index: number;
    readonly logRoot: string;
    readonly stateHash: string;
  } | null;
};

export type Evidence = {
  readonly operations: readonly Operation[];
  readonly strikes: readonly Strike[];
  readonly entries: readonly LogEntry[];
  readonly conflicts: readonly LogConflict[];
  readonly offices: readonly Office[];
  readonly endings: readonly Ending[];
  readonly terms: readonly number[];
  readonly finals: readonly Final[];
  /** Why the cluster was not well in the end, or after a fault. */
  readonly stuck: string | null;
};

export type Finding = { readonly check: string; readonly text: string };
export type Judgement = {
  /** Every check that was made, with what it was made on. */
  readonly checks: readonly { readonly check: string; readonly on: string }[];
  readonly findings: readonly Finding[];
};

/** Findings of one check that are told; the rest is counted. */
const toldMax = 5;
/** EX_TEMPFAIL: another boot of the member replaced this one. */
const replaced = 75;

export function judge(evidence: Evidence): Judgement {
  const replayed = replay(evidence.entries);
  const { operations, entries, offices, terms, finals, strikes } = evidence;
  const writes = operations.filter(isWrite);
  const checks: readonly Check[] = [
    ["linearizable", `${operations.length} operations`, () => linearizable(evidence, replayed)],
    ["no acknowledged write lost", `${writes.length} writes`, () => kept(writes, replayed)],
    ["each write at most once", `${entries.length} entries`, () => atMostOnce(writes, replayed)],
    [
      "reads show a state there was",
      `${operations.length - writes.length} reads`,
      () => readsFit(operations, replayed),
    ],
    ["logs equal", `${entries.length} entries`, () => logsEqual(evidence, replayed)],
    ["states equal", `${finals.length} nodes`, () => statesEqual(finals, replayed)],
    ["one leader a term", `${offices.length} offices`, () => oneLeaderATerm(offices)],
    ["terms in order on-chain", `${terms.length} terms`, () => termsInOrder(terms)],
    ["no node gave up", `${finals.length} nodes`, () => nobodyGaveUp(evidence.endings)],
    ["writes go on where promised", `${strikes.length} faults`, () => writesWentOn(evidence)],
    ["well again after each fault", `${strikes.length} faults`, () => wellAgain(evidence)],
  ];
  const findings = checks.flatMap(([check, , find]) =>
    summary(find()).map((text) => ({ check, text })),
  );
  return { checks: checks.map(([check, on]) => ({ check, on })), findings };
}

type Check = readonly [check: string, on: string, find: () => readonly string[]];

function summary(found: readonly string[]): readonly string[] {
  const more = found.length - toldMax;
  return more > 0 ? [...found.slice(0, toldMax), `and ${more} more`] : found;
}

function linearizable({ operations }: Evidence, { applied }: Replay): readonly string[] {
  const placed = operations.flatMap((operation) => placeOf(operation, applied));
  return [
    ...overlapsIn(placed).map((pair) => `two increments took the same step: ${describe(pair)}`),
    ...disordersIn(placed).map((pair) => `it went back: ${describe(pair)}`),
  ];
}

type AppliedBy = Replay["applied"];

function placeOf(operation: Operation, applied: AppliedBy): readonly Placed[] {
  const { id, kind, by, outcome, value, invokedNs: invoked, completedNs } = operation;
  if (kind === "local-read" || outcome === "failed") return [];
  // A repeat is answered with what the first one answered, however long ago: it takes no effect.
  if (kind === "repeat") return [];
  const known = outcome === "ok";
  if (kind === "read") {
    return known && value !== null
      ? [{ id, kind, before: value, after: value, invoked, returned: completedNs }]
      : [];
  }
  const after = known ? value : (applied.get(by ?? 0)?.value ?? null);
  if (after === null || by === null) return [];
  const returned = known ? completedNs : Number.POSITIVE_INFINITY;
  return [{ id, kind: "increment", before: after - by, after, invoked, returned }];
}

function describe({ earlier, later }: Disorder): string {
  const one = ({ id, kind, after }: Placed) => `operation ${id} (${kind} to ${after})`;
  return `${one(earlier)} ended before ${one(later)} began`;
}

function kept(writes: readonly Operation[], { applied, firstGap }: Replay): readonly string[] {
  const whole = (index: number) => firstGap === null || index < firstGap;
  return writes.flatMap(({ id, by, outcome, value, index }) => {
    if (outcome !== "ok" || by === null || index === null || !whole(index)) return [];
    const entry = applied.get(by);
    if (entry === undefined)
      return [`write ${id} (by ${by}, acknowledged at ${index}) is in no log`];
    if (entry.index === index && entry.value === value) return [];
    return [
      `write ${id} (by ${by}) was acknowledged at ${index} with ${value}, but the log has it ` +
        `at ${entry.index} with ${entry.value}`,
    ];
  });
}

function atMostOnce(writes: readonly Operation[], replayed: Replay): readonly string[] {
  const made = new Map(writes.map((write) => [write.by, write]));
  const denied = writes.flatMap(({ id, by, outcome, kind, error }) => {
    const entry = replayed.applied.get(by ?? 0);
    if (outcome !== "failed" || kind !== "increment" || entry === undefined) return [];
    return [`write ${id} was refused for good (${error}), but stands at ${entry.index}`];
  });
  const unasked = [...replayed.applied.values()]
    .filter(({ by }) => !made.has(by))
    .map(({ by, index }) => `entry ${index} adds ${by}, which nobody asked for`);
  return [...replayed.wrong, ...denied, ...unasked];
}

function readsFit(operations: readonly Operation[], { valueAt }: Replay): readonly string[] {
  return operations.flatMap(({ id, kind, outcome, value, index, node }) => {
    if ((kind !== "read" && kind !== "local-read") || outcome !== "ok" || index === null) return [];
    const expected = valueAt(index);
    if (expected === null || expected === value) return [];
    return [`${kind} ${id} at node ${node + 1} showed ${value} as of ${index}: it was ${expected}`];
  });
}

function logsEqual({ conflicts, entries }: Evidence, { firstGap }: Replay): readonly string[] {
  const fallen = entries.flatMap(({ index, term }, at) => {
    const before = entries[at - 1];
    return before !== undefined && before.term > term
      ? [`the term falls from ${before.term} to ${term} at ${index}`]
      : [];
  });
  return [
    ...conflicts.map(
      ({ index, nodes: [a, b], what }) => `nodes ${a + 1} and ${b + 1} differ at ${index}: ${what}`,
    ),
    ...fallen,
    ...(firstGap === null ? [] : [`no node showed entry ${firstGap}: what follows is unchecked`]),
  ];
}

function statesEqual(finals: readonly Final[], { valueAt, lastIndex }: Replay): readonly string[] {
  const expected = valueAt(lastIndex);
  const values = finals.flatMap(({ node, value, appliedIndex }) => {
    if (value === null) return [`${node} did not say what it holds in the end`];
    if (appliedIndex < lastIndex)
      return [`${node} ends at ${appliedIndex}, others at ${lastIndex}`];
    return expected === null || value === expected
      ? []
      : [`${node} ends with ${value}, not ${expected}`];
  });
  const [first] = finals;
  const checkpoints = finals
    .filter(({ checkpoint }) => textOf(checkpoint) !== textOf(first?.checkpoint ?? null))
    .map(
      ({ node, checkpoint }) =>
        `${node}: checkpoint ${textOf(checkpoint)}; ${first?.node}: ${textOf(first?.checkpoint ?? null)}`,
    );
  return [...values, ...checkpoints];
}

function textOf(checkpoint: Final["checkpoint"]): string {
  if (checkpoint === null) return "none";
  const { index, logRoot, stateHash } = checkpoint;
  return `${index} log ${logRoot} state ${stateHash}`;
}

function oneLeaderATerm(offices: readonly Office[]): readonly string[] {
  const leaders = new Map<number, Office>();
  return offices.flatMap((office) => {
    const first = leaders.get(office.term);
    leaders.set(office.term, first ?? office);
    if (first === undefined || (first.node === office.node && first.boot === office.boot))
      return [];
    return [
      `term ${office.term}: ${first.node} (${first.boot}) and ${office.node} (${office.boot})`,
    ];
  });
}

function termsInOrder(terms: readonly number[]): readonly string[] {
  return terms.flatMap((term, at) =>
    term === at + 1 ? [] : [`${at + 1} was to begin, not ${term}`],
  );
}

function nobodyGaveUp(endings: readonly Ending[]): readonly string[] {
  return endings
    .filter(({ exitCode }) => exitCode !== replaced)
    .map(({ node, exitCode, why }) => `${node} ended with exit code ${exitCode}: ${why}`);
}

/** A pause that clients may not notice: some calls were under way, and machines are shared. */
const pauseNsMax = 5e9;

function writesWentOn({ operations, strikes }: Evidence): readonly string[] {
  return strikes.flatMap((strike) => {
    const { number, name, startedNs, healNs, affected, writesGoOn, skipped } = strike;
    if (!writesGoOn || skipped !== null) return [];
    const times = operations
      .filter((each) => each.outcome === "ok" && isWrite(each) && !affected.includes(each.node))
      .map(({ completedNs }) => completedNs)
      .filter((atNs) => atNs > startedNs && atNs < healNs)
      .sort((a, b) => a - b);
    const longest = longestPause([startedNs, ...times, healNs]);
    if (longest <= pauseNsMax) return [];
    return [`fault ${number}, ${name}: no write for ${(longest / 1e9).toFixed(1)} s`];
  });
}

function longestPause(times: readonly number[]): number {
  return Math.max(...times.map((atNs, at) => (at === 0 ? 0 : atNs - (times[at - 1] ?? atNs))));
}

function wellAgain({ stuck }: Evidence): readonly string[] {
  return stuck === null ? [] : [stuck];
}

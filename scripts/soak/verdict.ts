/** What a run showed: the drift of every series of every node, and whether each write counted once. */
import { type Drift, driftOf, type Point, warmedUp } from "./drift.ts";
import type { Outcome } from "./load.ts";
import { type Sample, type SeriesName, series, seriesNames } from "./series.ts";

export type Finding = {
  readonly node: string;
  readonly name: SeriesName;
  /** null: too few samples after the warm-up. */
  readonly drift: Drift | null;
  readonly grows: boolean;
};

/** How the counter compares with the writes that were acknowledged. */
export type Accounts = Outcome & {
  readonly before: number;
  readonly after: number;
  readonly verdict: "each counted once" | "acknowledged writes are lost" | "writes counted twice";
};

/** What fills once, such as tables of keys, does so in this share of a run, or in half an hour. */
const warmUpShare = 0.25;
const warmUpSecondsMax = 1_800;

export function warmUpOf(runSeconds: number): number {
  return Math.min(runSeconds * warmUpShare, warmUpSecondsMax);
}

export function findingsOf(samples: readonly Sample[], warmUpSeconds: number): readonly Finding[] {
  const nodes = [...Map.groupBy(samples, ({ node }) => node)];
  return seriesNames.flatMap((name) =>
    nodes.map(([node, ofNode]) => findingOf(node, name, ofNode, warmUpSeconds)),
  );
}

function findingOf(
  node: string,
  name: SeriesName,
  samples: readonly Sample[],
  warmUpSeconds: number,
): Finding {
  const points = samples.flatMap(({ seconds, pid, [name]: value }): Point[] =>
    pid === null || value === null ? [] : [{ seconds, value, boot: pid }],
  );
  const drift = driftOf(warmedUp(points, warmUpSeconds));
  return { node, name, drift, grows: drift !== null && drift.growth > series[name].growthMax };
}

/** An open write may or may not have counted. */
export function accountsOf(outcome: Outcome, before: number, after: number): Accounts {
  const grown = after - before;
  const { acknowledged, open } = outcome;
  const verdict =
    grown < acknowledged
      ? "acknowledged writes are lost"
      : grown > acknowledged + open
        ? "writes counted twice"
        : "each counted once";
  return { ...outcome, before, after, verdict };
}

export function isWell(findings: readonly Finding[], { verdict }: Accounts): boolean {
  return verdict === "each counted once" && !findings.some(({ grows }) => grows);
}

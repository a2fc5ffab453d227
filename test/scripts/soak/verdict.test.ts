import { expect, test } from "vitest";
import { reportOf } from "../../../scripts/soak/report.ts";
import { metricOf } from "../../../scripts/soak/sampler.ts";
import { type Sample, series, seriesNames } from "../../../scripts/soak/series.ts";
import { accountsOf, findingsOf, isWell, warmUpOf } from "../../../scripts/soak/verdict.ts";

const level = Object.fromEntries(seriesNames.map((name) => [name, 10])) as Record<
  keyof typeof series,
  number
>;
const samplesOf = (change: (seconds: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 40 }, (_, seconds) => ({
    ...level,
    seconds,
    node: "node1",
    pid: 7,
    ...change(seconds),
  }));
const outcome = { acknowledged: 100, retries: 3, open: 2 };
const well = accountsOf({ ...outcome, open: 0 }, 5, 105);

test("what stays level is steady, and the run is well", () => {
  const findings = findingsOf(
    samplesOf(() => ({})),
    10,
  );
  expect(findings.map(({ name }) => name)).toEqual(seriesNames);
  expect(findings.every(({ grows, drift }) => !grows && drift?.growth === 0)).toBe(true);
  expect(isWell(findings, well)).toBe(true);
});

test.each(seriesNames)("%s that grows beyond its bound is told, and one below is not", (name) => {
  const { growthMax } = series[name];
  const growing = (growth: number) =>
    findingsOf(
      samplesOf((seconds) => ({ [name]: (growth * seconds) / 39 })),
      0,
    );
  const beyond = growing(1.1 * growthMax);
  expect(beyond.filter(({ grows }) => grows).map((finding) => finding.name)).toEqual([name]);
  expect(isWell(beyond, well)).toBe(false);
  expect(isWell(growing(0.9 * growthMax), well)).toBe(true);
});

test("a node that was down, or a value that could not be had, is left out", () => {
  const findings = findingsOf(
    samplesOf((seconds) => (seconds < 36 ? { pid: null } : { heap: null })),
    0,
  );
  expect(findings.every(({ drift }) => drift === null)).toBe(true);
  expect(isWell(findings, well)).toBe(true);
});

test("writes that were acknowledged must count, each once; open ones may", () => {
  const verdictOf = (after: number) => accountsOf(outcome, 5, after).verdict;
  expect(verdictOf(104)).toBe("acknowledged writes are lost");
  expect([105, 106, 107].map(verdictOf)).toEqual(Array(3).fill("each counted once"));
  expect(verdictOf(108)).toBe("writes counted twice");
  expect(isWell([], accountsOf(outcome, 5, 104))).toBe(false);
  expect(isWell([], accountsOf(outcome, 5, 108))).toBe(false);
});

test("the warm-up is a share of a short run, and half an hour of a long one", () => {
  expect(warmUpOf(20)).toBe(5);
  expect(warmUpOf(86_400)).toBe(1_800);
});

test("the report names what grows", () => {
  const findings = findingsOf(
    samplesOf((seconds) => ({ rss: 10 * seconds })),
    0,
  );
  const run = { seconds: 40, warmUpSeconds: 0, samples: 40, restarts: 0 };
  const lines = reportOf(run, findings, well).split("\n");
  expect(lines.filter((line) => line.endsWith("GROWS"))).toEqual([
    expect.stringMatching(/^resident memory +node1 .* \+36000 +\+390 +128 +GROWS$/),
  ]);
  expect(lines.at(-1)).toMatch(/100 acknowledged, .* from 5 to 105: each counted once$/);
});

test("a metric is read by its whole name", () => {
  const text = "# HELP dstack_cluster_term x\ndstack_cluster_term_b 4\ndstack_cluster_term 3\n";
  expect(metricOf(text, "term")).toBe(3);
  expect(metricOf(text, "ter")).toBeNull();
  expect(metricOf(undefined, "term")).toBeNull();
});

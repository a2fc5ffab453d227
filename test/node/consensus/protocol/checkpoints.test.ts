/** protocol.md, 12.1 to 12.3: checkpoints in the log. */
import { expect, test } from "vitest";
import type { Checkpoint } from "../../../../node/src/consensus/checkpoint.ts";
import { hash } from "../../../../node/src/consensus/ids.ts";
import {
  bootOf,
  hear,
  messagesOf,
  promiseOf,
  propose,
  rosterOfBoots,
  treeHead,
  viewOf,
} from "../support.ts";
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c, _d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const roster = rosterOfBoots([a, b, c]);
const stateHash = hash("5e".repeat(32));
const kindsOf = (cluster: Cluster) => cluster.replica(a).log.shared.map(({ body }) => body.kind);
const marks = (cluster: Cluster) => kindsOf(cluster).filter((kind) => kind === "mark").length;
const hashed = (index: number) => ({ kind: "state-hashed", index, stateHash }) as const;

test("12.1 a mark is due after CHECKPOINT_EVERY entries", () => {
  const cluster = serving([a, b, c], { checkpointEvery: 3 });
  cluster.take(a, propose(1));
  cluster.pass(100);
  expect(marks(cluster)).toBe(0);
  cluster.take(a, propose(2));
  cluster.pass(100);
  expect(kindsOf(cluster)).toEqual(["term-start", "command", "command", "mark"]);
});

test("12.1 a mark is due when CHECKPOINT_MS has passed since the first entry after the last", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(5_000);
  expect(marks(cluster)).toBe(1);
  cluster.take(a, hashed(2));
  cluster.pass(3_000);
  cluster.take(a, propose(1));
  cluster.pass(2_500);
  cluster.take(a, propose(2));
  cluster.pass(2_400);
  expect(marks(cluster)).toBe(1);
  cluster.pass(100);
  expect(marks(cluster)).toBe(2);
});

test("12.1 where nothing has come, no mark is appended", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(5_000);
  cluster.take(a, hashed(2));
  cluster.pass(100);
  const kinds = kindsOf(cluster);
  expect(kinds).toEqual(["term-start", "mark", "checkpoint"]);
  cluster.pass(20_000);
  expect(kindsOf(cluster)).toEqual(kinds);
});

test("12.1 nobody but the active leader appends a mark", () => {
  const cluster = serving([a, b, c], { checkpointEvery: 1 });
  cluster.cut(a);
  cluster.pass(500);
  expect(cluster.replica(b).log.last.index).toBe(1);
});

test("12.1 nor does a leader whose term-start is not committed", () => {
  const second = viewOf(roster, 2, a);
  const cluster = serving([a, b, c], { checkpointEvery: 1 });
  cluster.cut(b, c);
  cluster.show(second);
  const { last } = cluster.replica(b).log;
  cluster.take(a, hear(b, promiseOf(second, { last, commitIndex: 1 })));
  cluster.pass(500);
  expect(kindsOf(cluster)).toEqual(["term-start", "term-start"]);
});

/** A mark at index 3, which all have applied. */
function marked(): Cluster {
  const cluster = serving([a, b, c], { checkpointEvery: 2 });
  cluster.take(a, propose(1));
  cluster.pass(100);
  expect(kindsOf(cluster)).toEqual(["term-start", "command", "mark"]);
  cluster.forget();
  return cluster;
}

const checkpointIn = (cluster: Cluster): Checkpoint => {
  const body = cluster.replica(a).log.shared.at(-1)?.body;
  if (body?.kind !== "checkpoint") throw new Error(`expected a checkpoint, got ${body?.kind}`);
  return body.checkpoint;
};
const markIn = (cluster: Cluster): number =>
  cluster.replica(a).log.shared.findLast(({ body }) => body.kind === "mark")?.index ?? 0;

test("12.2 once the leader knows its state as of the mark, it appends the checkpoint", () => {
  const cluster = marked();
  cluster.take(a, propose(2));
  cluster.deliver();
  cluster.take(b, hashed(3));
  cluster.take(a, hashed(2));
  cluster.pass(100);
  expect(kindsOf(cluster)).toHaveLength(4);
  cluster.take(a, hashed(3));
  cluster.pass(100);
  expect(checkpointIn(cluster)).toMatchObject({ coldTerm: 0, index: 3, stateHash });
});

test("12.2 marks and checkpoints go with the next commands", () => {
  const cluster = marked();
  cluster.take(a, hashed(3));
  const sent = messagesOf(cluster.take(a, propose(1, 2)), "append", b);
  const kinds = sent.map(({ entries }) => entries.map(({ body }) => body.kind));
  expect(kinds).toEqual([["command", "command", "checkpoint"]]);
  const next = messagesOf(cluster.take(a, propose(3)), "append", b);
  expect(next.map(({ entries }) => entries.at(-1)?.body.kind)).toEqual(["mark"]);
});

test("12.2 the same mark is covered once", () => {
  const cluster = marked();
  cluster.take(a, hashed(3));
  cluster.pass(100);
  const { last } = cluster.replica(a).log;
  cluster.take(a, hashed(3));
  cluster.pass(100);
  expect(cluster.replica(a).log.last).toEqual(last);
});

test("12.2 a leader covers a mark of its predecessor", () => {
  const cluster = marked();
  cluster.take(b, hashed(3));
  cluster.show(viewOf(roster, 2, b));
  cluster.pass(200);
  const bodies = cluster.replica(b).log.shared.map(({ body }) => body);
  expect(bodies).toContainEqual(
    expect.objectContaining({ checkpoint: expect.objectContaining({ index: 3, stateHash }) }),
  );
});

test.each([2, 3, 5, 8])(
  "12.3 the log's root is the RFC 9162 tree head up to the mark, after %i entries",
  (every) => {
    const cluster = serving([a, b, c], { checkpointEvery: every });
    for (const round of [1, 2]) {
      for (let byte = 1; byte <= every; byte += 1) cluster.take(a, propose(byte));
      cluster.pass(100);
      const index = markIn(cluster);
      expect(marks(cluster)).toBe(round);
      cluster.take(a, propose(9), hashed(index));
      cluster.pass(100);
      const hashes = cluster.replica(a).log.shared.map((entry) => entry.hash);
      expect(checkpointIn(cluster)).toMatchObject({
        index,
        logRoot: treeHead(hashes.slice(0, index)),
      });
    }
  },
);

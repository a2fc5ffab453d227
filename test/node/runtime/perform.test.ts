import { expect, test } from "vitest";
import { encodeIncrement } from "../../../node/src/application/envelope.ts";
import type { Checkpoint } from "../../../node/src/consensus/checkpoint.ts";
import type { Body, Entry } from "../../../node/src/consensus/entry.ts";
import { type Hash, noHash, term } from "../../../node/src/consensus/ids.ts";
import type { Input } from "../../../node/src/consensus/input.ts";
import { boot } from "../../../node/src/consensus/replica.ts";
import { createCalls } from "../../../node/src/runtime/calls.ts";
import { createPerformer, exitInvariant, exitReplaced } from "../../../node/src/runtime/perform.ts";
import { createReplicated } from "../../../node/src/runtime/replicated.ts";
import type { Outward } from "../../../node/src/runtime/runner.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { recordingLog } from "../../support/recorders.ts";
import { bootOf, chain, setupOf } from "../consensus/support.ts";

const signature = `0x${"1b".repeat(65)}`;

/** A performer of a replica that has committed a command and, at index 2, a mark. */
function open(sign: () => Promise<string> = () => Promise.resolve(signature)) {
  const inputs: Input[] = [];
  const signed: Checkpoint[] = [];
  const halts: { exitCode: number; why: string }[] = [];
  const { log, lines } = recordingLog();
  const limits = { commandMsMax: 1_000, readMsMax: 1_000, waitingMax: 10 };
  const calls = createCalls(limits, () => 0);
  const replica = boot(setupOf(bootOf(0)), { promised: null, snapshot: null, entries: [] }, 0);
  const performer = createPerformer({
    replicated: createReplicated(null, sha256Chain),
    calls,
    petitioner: { carryOut: () => expect.fail(), settled: () => Promise.resolve() },
    signCheckpoint: (checkpoint) => {
      signed.push(checkpoint);
      return sign();
    },
    input: (input) => inputs.push(input),
    refreshView: () => undefined,
    snapshotEvery: 3,
    log,
    onHalt: (exitCode, why) => halts.push({ exitCode, why }),
  });
  const perform = (effect: Outward): void => performer(effect, replica);
  const begun = chain([
    [1, { kind: "command", payload: encodeIncrement(1, "a") }],
    [1, { kind: "mark" }],
  ]);
  perform({ kind: "commit", entries: begun });
  const [hashed] = inputs.splice(0);
  if (hashed?.kind !== "state-hashed") expect.fail();
  const following = (body: Body): Entry[] => chain([[1, body]], begun[1]);
  return { perform, following, hashed, calls, inputs, signed, halts, lines };
}

const checkpointAt = (index: number, stateHash: Hash): Checkpoint => ({
  coldTerm: term(0),
  index,
  logRoot: noHash,
  stateHash,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a mark is answered by the hash of the state as of it", () => {
  const { hashed } = open();
  expect(hashed).toEqual({ kind: "state-hashed", index: 2, stateHash: expect.any(String) });
});

test("a checkpoint that this replica's state bears out is signed", async () => {
  const { perform, hashed, inputs, signed } = open();
  const checkpoint = checkpointAt(2, hashed.stateHash);
  perform({ kind: "sign-checkpoint", checkpoint });
  await turn();
  expect(signed).toEqual([checkpoint]);
  expect(inputs).toEqual([{ kind: "checkpoint-signed", voucher: { checkpoint, signature } }]);
});

test("a checkpoint whose mark was not applied here is not signed", async () => {
  const { perform, hashed, inputs, signed, halts, lines } = open();
  perform({ kind: "sign-checkpoint", checkpoint: checkpointAt(1, hashed.stateHash) });
  await turn();
  expect([...inputs, ...signed, ...halts]).toEqual([]);
  expect(lines).toMatchObject([{ level: "debug", fields: { index: 1 } }]);
});

test("a checkpoint of another state is not signed, whoever asks, and ends the process", async () => {
  const { perform, inputs, signed, halts } = open();
  perform({ kind: "sign-checkpoint", checkpoint: checkpointAt(2, noHash) });
  await turn();
  expect([...inputs, ...signed]).toEqual([]);
  expect(halts).toMatchObject([{ exitCode: exitInvariant }]);
});

test("a signature that cannot be had is told, and does no harm", async () => {
  const { perform, hashed, inputs, halts, lines } = open(() => Promise.reject(new Error("no key")));
  perform({ kind: "sign-checkpoint", checkpoint: checkpointAt(2, hashed.stateHash) });
  await turn();
  expect([...inputs, ...halts]).toEqual([]);
  expect(lines).toMatchObject([{ level: "warn", fields: { index: 2, reason: "Error: no key" } }]);
});

test("a divergence ends the process with both hashes and the index", () => {
  const { perform, following, hashed, halts, lines } = open();
  const checkpoint = checkpointAt(2, noHash);
  perform({ kind: "commit", entries: following({ kind: "checkpoint", checkpoint }) });
  expect(halts).toEqual([{ exitCode: exitInvariant, why: expect.any(String) }]);
  for (const part of ["index 2", hashed.stateHash, noHash]) {
    expect(halts[0]?.why).toContain(part);
  }
  const fields = { index: 2, own: hashed.stateHash, expected: noHash };
  expect(lines).toMatchObject([{ level: "error", fields, sentence: halts[0]?.why }]);
});

test("a state that has diverged is neither captured nor read, and nothing is signed after", async () => {
  const { perform, following, hashed, calls, inputs, signed, halts } = open();
  let readable = false;
  const reading = calls.applied(3).then(() => {
    readable = true;
  });
  const diverging = following({ kind: "checkpoint", checkpoint: checkpointAt(2, noHash) });
  perform({ kind: "commit", entries: diverging });
  perform({ kind: "sign-checkpoint", checkpoint: checkpointAt(2, hashed.stateHash) });
  perform({ kind: "halt", reason: "replaced", detail: "too late" });
  await turn();
  expect([...inputs, ...signed]).toEqual([]);
  expect(halts).toHaveLength(1);
  expect(readable).toBe(false);

  // With the checkpoint that is right, the same commit is captured and read.
  const other = open();
  const right = checkpointAt(2, other.hashed.stateHash);
  other.perform({
    kind: "commit",
    entries: other.following({ kind: "checkpoint", checkpoint: right }),
  });
  expect(other.inputs).toMatchObject([{ kind: "state-captured", index: 3 }]);
  calls.onApplied(3);
  await reading;
});

test("a signature that comes after the end is not passed on", async () => {
  let finish = (_: string): void => expect.fail();
  const pending = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const { perform, hashed, inputs, signed, halts } = open(() => pending);
  perform({ kind: "sign-checkpoint", checkpoint: checkpointAt(2, hashed.stateHash) });
  perform({ kind: "halt", reason: "replaced", detail: "another boot" });
  finish(signature);
  await turn();
  expect(signed).toHaveLength(1);
  expect(inputs).toEqual([]);
  expect(halts).toEqual([{ exitCode: exitReplaced, why: "another boot" }]);
});

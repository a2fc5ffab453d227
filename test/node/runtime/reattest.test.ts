import { afterEach, expect, test } from "vitest";
import { type BootKey, bootKey, memberId } from "../../../node/src/consensus/ids.ts";
import type { BootProof, Verdict } from "../../../node/src/runtime/attestation.ts";
import { keepAttesting, type ReattestOptions } from "../../../node/src/runtime/reattest.ts";
import { recordingLog } from "../../support/recorders.ts";

const [first, second] = [bootKey("1b".repeat(32)), bootKey("2b".repeat(32))] as const;
const never = 600_000;
const ending: AbortController[] = [];
afterEach(() => {
  for (const one of ending.splice(0)) one.abort();
});

function refusal(key: BootKey): Verdict {
  const proof: Partial<BootProof> = { bootKey: key, wallet: memberId(`0x${"3c".repeat(20)}`) };
  const fault = { code: "quote.rejected", check: "compose hash", expected: "aa", actual: "bb" };
  const reason = "the quote's compose hash is bb, expected aa";
  return { kind: "refused", proof: proof as BootProof, fault: fault as never, reason, atMs: 0 };
}

/** Verdicts that the next round comes to are those that the contract's lists then give. */
function start(changes: Partial<ReattestOptions> = {}) {
  const state = {
    listed: new Set<BootKey>([first, second]),
    refused: [] as readonly BootKey[],
    rounds: 0,
    kept: [] as readonly boolean[],
  };
  const told: (readonly BootKey[])[] = [];
  const { log, lines } = recordingLog();
  const controller = new AbortController();
  ending.push(controller);
  const reattest = keepAttesting({
    verdicts: {
      of: refusal,
      refused: () => state.refused,
      async renew(keep) {
        state.rounds += 1;
        state.kept = [first, second].map(keep);
        state.refused = [first, second].filter((key) => keep(key) && !state.listed.has(key));
      },
    },
    everyMs: never,
    inUse: () => new Set([first, second]),
    policyChanged: async () => false,
    onRefused: (refused) => told.push(refused),
    log,
    signal: controller.signal,
    pauseMs: 1,
    lookMs: 5,
    ...changes,
  });
  const onBlock = (number: bigint) =>
    reattest.onView({ block: { number, hash: "0x", timestampMs: 0 } });
  return { state, told, lines, onBlock, reattest, controller };
}

test("boots are judged again when it is time, and those refused are told, once", async () => {
  const { state, told, lines } = start({ everyMs: 2 });
  state.listed.delete(second);
  await expect.poll(() => told).toEqual([[second]]);
  const { rounds } = state;
  await expect.poll(() => state.rounds).toBeGreaterThan(rounds + 2);
  expect(told).toEqual([[second]]);
  state.listed.add(second);
  await expect.poll(() => told).toEqual([[second], []]);
  expect(lines.filter(({ level }) => level === "warn")).toEqual([
    expect.objectContaining({
      sentence: "attestation refuses a boot: the quote's compose hash is bb, expected aa",
      fields: expect.objectContaining({
        bootKey: second,
        fault: expect.objectContaining({ check: "compose hash", expected: "aa", actual: "bb" }),
      }),
    }),
  ]);
});

test("a boot that is no longer in use is not kept", async () => {
  const { state } = start({ everyMs: 2, inUse: () => new Set([second]) });
  await expect.poll(() => state.kept).toEqual([false, true]);
});

test("a change of what the contract admits has them judged at once", async () => {
  const asked: (readonly [bigint, bigint])[] = [];
  const { state, told, onBlock } = start({
    policyChanged: async (from, to) => {
      asked.push([from, to]);
      return to === 12n;
    },
  });
  state.listed.delete(first);
  // The first view is what the boots were judged by.
  onBlock(9n);
  onBlock(11n);
  onBlock(11n);
  await expect.poll(() => asked).toEqual([[10n, 11n]]);
  expect(state.rounds).toBe(0);
  onBlock(12n);
  await expect.poll(() => told).toEqual([[first]]);
  expect(asked).toEqual([
    [10n, 11n],
    [12n, 12n],
  ]);
});

test("what the door refuses between two rounds is told as well", async () => {
  const { state, told } = start();
  state.refused = [first];
  await expect.poll(() => told).toEqual([[first]]);
  expect(state.rounds).toBe(0);
});

test("where nothing can be judged, verdicts stay, and it is tried again", async () => {
  let tries = 0;
  const { told, lines } = start({
    everyMs: 2,
    verdicts: {
      of: () => null,
      refused: () => [second],
      renew: () => {
        tries += 1;
        return Promise.reject(new Error("the chain cannot be reached"));
      },
    },
  });
  await expect.poll(() => tries).toBeGreaterThan(2);
  expect(told).toEqual([[second]]);
  expect(lines[0]).toMatchObject({
    level: "warn",
    fields: { reason: "the chain cannot be reached" },
  });
});

test("changes that cannot be looked up are no change", async () => {
  const { state, onBlock, lines } = start({
    policyChanged: () => Promise.reject(new Error("no logs are kept")),
  });
  onBlock(1n);
  onBlock(2n);
  await expect.poll(() => lines.map(({ level }) => level)).toEqual(["debug"]);
  expect(state.rounds).toBe(0);
});

test("it ends with its signal", async () => {
  const { reattest, controller } = start();
  controller.abort();
  await expect(reattest.ended).resolves.toBeUndefined();
});

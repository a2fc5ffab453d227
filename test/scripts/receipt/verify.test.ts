import fc from "fast-check";
import { expect, test } from "vitest";
import type { Receipt } from "../../../node/src/runtime/receipt.ts";
import type { SavedRoster } from "../../../scripts/receipt/roster.ts";
import { type Verdict, verifyReceipt } from "../../../scripts/receipt/verify.ts";
import { addressIn, walletIn } from "../../support/vouched.ts";
import { receiptOf, roster } from "./samples.ts";

const receipt = await receiptOf(7);
const check = (given: unknown, against: SavedRoster = roster): Promise<Verdict> =>
  verifyReceipt(JSON.stringify(given), against);
const resultsOf = ({ steps }: Verdict) => steps.map(({ step, result }) => `${step}: ${result}`);
const failuresOf = ({ steps }: Verdict) =>
  steps.filter(({ result }) => result === "failed").map(({ step }) => step);

test("a receipt that a node hands out holds, step by step", async () => {
  const verdict = await check(receipt);
  expect(verdict.holds).toBe(true);
  expect(resultsOf(verdict)).toEqual([
    "format: ok",
    "cluster: ok",
    "entry: ok",
    "Merkle path: ok",
    "signature 0: ok",
    "signature 1: ok",
    "signature 5: ok",
    "quorum: ok",
    "cold term: ok",
  ]);
});

test("the receipt of every entry under the checkpoint holds", async () => {
  for (let index = 1; index <= 30; index += 1) {
    expect((await check(await receiptOf(index, [0, 1, 2]))).holds).toBe(true);
  }
});

const otherHash = `0x${"12".repeat(32)}`;
const { signatures, checkpoint } = receipt;
const withSignature = (at: number, change: Partial<Receipt["signatures"][number]>) => ({
  ...receipt,
  signatures: signatures.map((one, position) => (position === at ? { ...one, ...change } : one)),
});
const allSignatures = ["signature 0", "signature 1", "signature 5"];

test.each<readonly [what: string, tampered: unknown, steps: readonly string[]]>([
  ["another format", { ...receipt, format: 2 }, ["format"]],
  ["a field more", { ...receipt, note: "trust me" }, ["format"]],
  ["an entry of half a byte", { ...receipt, entry: `${receipt.entry}0` }, ["format"]],
  ["a repeated signer", { ...receipt, signatures: [signatures[0], ...signatures] }, ["format"]],
  ["a list in its place", [receipt], ["format"]],
  ["another entry", { ...receipt, entry: `${receipt.entry}31` }, ["Merkle path"]],
  ["bytes that are no entry", { ...receipt, entry: "0x99" }, ["entry", "Merkle path"]],
  ["another index", { ...receipt, index: 8 }, ["entry", "Merkle path"]],
  ["an index beyond the log", { ...receipt, index: 31 }, ["entry", "Merkle path"]],
  ["another term", { ...receipt, term: 3 }, ["entry"]],
  ["another hash before it", { ...receipt, prevHash: otherHash }, ["Merkle path"]],
  ["another path", { ...receipt, path: [otherHash, ...receipt.path.slice(1)] }, ["Merkle path"]],
  ["a shorter path", { ...receipt, path: receipt.path.slice(1) }, ["Merkle path"]],
  ["a longer path", { ...receipt, path: [...receipt.path, otherHash] }, ["Merkle path"]],
  [
    "another root",
    { ...receipt, checkpoint: { ...checkpoint, logRoot: otherHash } },
    ["Merkle path", ...allSignatures, "quorum"],
  ],
  [
    "another state",
    { ...receipt, checkpoint: { ...checkpoint, stateHash: otherHash } },
    [...allSignatures, "quorum"],
  ],
  [
    "another cold term",
    { ...receipt, checkpoint: { ...checkpoint, coldTerm: 1 } },
    [...allSignatures, "quorum", "cold term"],
  ],
  ["another chain", { ...receipt, chainId: 1 }, ["cluster", ...allSignatures, "quorum"]],
  [
    "another contract",
    { ...receipt, contract: `0x${"12".repeat(20)}` },
    ["cluster", ...allSignatures, "quorum"],
  ],
  [
    "another signature",
    withSignature(1, { signature: signatures[0]?.signature ?? "0x" }),
    ["signature 1", "quorum"],
  ],
  [
    "a signature that is none",
    withSignature(1, { signature: `0x${"00".repeat(65)}` }),
    ["signature 1", "quorum"],
  ],
  [
    "another wallet",
    withSignature(2, { wallet: addressIn(2) as `0x${string}` }),
    ["signature 5", "quorum"],
  ],
  ["another slot", withSignature(2, { slot: 6 }), ["signature 6", "quorum"]],
  ["a signature less", { ...receipt, signatures: signatures.slice(1) }, ["quorum"]],
  ["no signature", { ...receipt, signatures: [] }, ["quorum"]],
])("with %s it fails at its step", async (_what, tampered, steps) => {
  const verdict = await check(tampered);
  expect(verdict.holds).toBe(false);
  expect(failuresOf(verdict)).toEqual(steps);
});

test("text that is not JSON has no receipt's format", async () => {
  expect(failuresOf(await verifyReceipt("{", roster))).toEqual(["format"]);
});

test("no change of a single digit is overlooked", async () => {
  const text = JSON.stringify(receipt);
  const digits = [...text.matchAll(/(?<=0x[0-9a-f]*|[:,])[0-9a-f](?=[0-9a-f]*["},])/g)];
  expect(digits.length).toBeGreaterThan(1_000);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...digits), fc.integer({ min: 1, max: 9 }), async (at, by) => {
      const digit = ((Number.parseInt(at[0], 16) + by) % (/\d/.test(at[0]) ? 10 : 16)).toString(16);
      fc.pre(digit !== at[0]);
      const tampered = text.slice(0, at.index) + digit + text.slice(at.index + 1);
      expect((await verifyReceipt(tampered, roster)).holds).toBe(false);
    }),
    { numRuns: 150 },
  );
});

test("a roster with other wallets in its slots lets nothing count", async () => {
  const strangers = roster.members.map((member) => ({
    ...member,
    wallet: walletIn(member.slot + 100).address as `0x${string}`,
  }));
  const verdict = await check(receipt, { ...roster, members: strangers });
  expect(failuresOf(verdict)).toEqual(["quorum"]);
  expect(resultsOf(verdict)).toContain("signature 5: ignored");
});

test("a member that left or was revoked does not count, and spoils nothing", async () => {
  const signed = await receiptOf(7, [0, 1, 2, 5]);
  const left = { ...roster, members: roster.members.slice(1) };
  const afterwards = await check(signed, left);
  expect(afterwards.holds).toBe(true);
  expect(resultsOf(afterwards)).toContain("signature 0: ignored");

  const revoke = (...slots: readonly number[]): SavedRoster => ({
    ...roster,
    members: roster.members.map((one) => ({ ...one, revoked: slots.includes(one.slot) })),
  });
  expect((await check(signed, revoke(0))).holds).toBe(true);
  expect(failuresOf(await check(signed, revoke(0, 5)))).toEqual(["quorum"]);
});

test("a member that has another slot now does not pass for the one who had it", async () => {
  const moved = roster.members.map((one) => (one.slot === 5 ? { ...one, slot: 4 } : one));
  const verdict = await check(receipt, { ...roster, members: moved });
  expect(failuresOf(verdict)).toEqual(["signature 5", "quorum"]);
});

test("a roster from after a cold start fails at the cold term", async () => {
  expect(failuresOf(await check(receipt, { ...roster, coldTerm: 3 }))).toEqual(["cold term"]);
});

test("before term 1 no quorum counts", async () => {
  expect(failuresOf(await check(receipt, { ...roster, term: 0 }))).toEqual(["quorum"]);
});

import { expect, test } from "vitest";
import { type BootKey, bootKey, noHash } from "../../../node/src/consensus/ids.ts";
import type { MemberRecord } from "../../../node/src/runtime/ports.ts";
import type { Receipt } from "../../../node/src/runtime/receipt.ts";
import { createReceipts } from "../../../node/src/runtime/receipts.ts";
import { type AskNode, bootKeyFinding } from "../../../scripts/verify/bootKey.ts";
import type { MembersAnswer } from "../../../scripts/verify/node.ts";
import {
  addressIn,
  certificateBy,
  checkpointOf,
  cluster,
  logOf,
  recoverVoucher,
  replicaIn,
  rosterIn,
} from "../../support/vouched.ts";
import { bootKeyOf, membersSaid, onChain, records, slots } from "./samples.ts";

const rejoined = bootKey("77".repeat(32));
const rejoin = { kind: "rejoin", member: addressIn(5), bootKey: rejoined } as const;
const entries = logOf(2_500, { 1300: rejoin });
const member = records[2] as MemberRecord;

async function receiptOf(index: number, signers: readonly number[] = [0, 1]): Promise<Receipt> {
  const certificate = await certificateBy(signers, checkpointOf(entries, 2_400));
  const replica = replicaIn({ entries, certificate, roster: rosterIn(slots) });
  return createReceipts({ replica: () => replica, recoverVoucher, cluster }).of(index);
}

const receipt = await receiptOf(1_300);
const answer = <Value>(value: Value) => ({ kind: "answer", value }) as const;

/** A node that shows its log and hands out `given` for any index. */
function nodeWith(given: unknown, firstIndex = 1) {
  const pages: (readonly [from: number, limit: number])[] = [];
  const node: AskNode = {
    async log(from, limit) {
      pages.push([from, limit]);
      const shown = entries.slice(Math.max(from, firstIndex) - 1, from - 1 + limit);
      const page = shown.map(({ index, body }) => {
        const command =
          body.kind === "rejoin" ? { member: body.member, bootKey: body.bootKey } : {};
        return { index, kind: body.kind, command };
      });
      return answer({ entries: page, firstIndex });
    },
    receipt: async () => (given === null ? { kind: "none", reason: "gone" } : answer(given)),
  };
  return { node, pages };
}

async function find(
  quoted: BootKey,
  { node = nodeWith(receipt).node, said = everyone(quoted), of = member } = {},
) {
  return bootKeyFinding({ member: of, quoted, cluster: onChain, said, lastIndex: 2_500, node });
}

/** What all three members answer. */
const everyone = (key: BootKey): readonly MembersAnswer[] =>
  slots.map(() => membersSaid({ 5: key }));

test("the contract's boot key counts while no member knows of another", async () => {
  const { result, actual } = await find(bootKeyOf(5));
  expect(result).toBe("ok");
  expect(actual).toBe("the contract's; 3 of 3 members that answered say so");
});

test("another one counts by the receipt of the entry that names it", async () => {
  const { node, pages } = nodeWith(receipt);
  const { result, actual } = await find(rejoined, { node });
  expect(result).toBe("ok");
  expect(actual).toMatch(/^named by entry 1300, whose receipt 2 members signed; 3 of 3 members/);
  // From the newest entries backwards, each once.
  expect(pages).toEqual([
    [1_501, 1_000],
    [501, 1_000],
  ]);
});

test("a boot key that a quorum of the members does not name fails", async () => {
  const said = [membersSaid(), membersSaid(), membersSaid({ 5: rejoined })];
  expect(await find(rejoined, { said })).toMatchObject({
    result: "failed",
    expected: bootKeyOf(5),
    actual: `${rejoined}; 1 of 3 members that answered say so`,
  });
});

test("too few members that answer are no quorum, even if they agree", async () => {
  const failed = await find(bootKeyOf(5), { said: everyone(bootKeyOf(5)).slice(1, 2) });
  expect(failed).toMatchObject({ result: "failed", expected: "one that 2 members name" });
});

test("members' word alone proves nothing: without the receipt it is said to be unproven", async () => {
  const forged = { ...receipt, prevHash: `0x${noHash}` };
  const few = await receiptOf(1_300, [0]).catch(() => null);
  expect(few).toBeNull();
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [null, /^not proven: gone; 3 of 3 members/],
    [forged, /^not proven: the receipt of entry 1300 fails at Merkle path; /],
    [await receiptOf(1_299), /^not proven: entry 1300 names another boot; /],
  ];
  for (const [given, reason] of cases) {
    const { result, actual } = await find(rejoined, { node: nodeWith(given).node });
    expect(result).toBe("skipped");
    expect(actual).toMatch(reason);
  }
});

test("an entry that the log does not hold any more cannot be proven", async () => {
  const { node } = nodeWith(receipt, 1_400);
  const { result, actual } = await find(rejoined, { node });
  expect(result).toBe("skipped");
  expect(actual).toMatch(/^not proven: no entry from 1400 on names it; /);
});

test("a member that the last cold start did not name has no key from the contract", async () => {
  const unnamed = { ...member, bootKey: bootKey("00".repeat(32)) };
  expect(await find(rejoined, { of: unnamed })).toMatchObject({ result: "ok" });
});

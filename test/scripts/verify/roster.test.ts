import { expect, test } from "vitest";
import type { MemberRecord } from "../../../node/src/runtime/ports.ts";
import type { MembersAnswer, StatusAnswer } from "../../../scripts/verify/node.ts";
import { rosterFindings, type Said } from "../../../scripts/verify/roster.ts";
import { addressIn } from "../../support/vouched.ts";
import { membersSaid, onChain, records, statusBy, stranger } from "./samples.ts";

const [record] = records as readonly [MemberRecord];
const answer = <Value>(value: Value) => ({ kind: "answer", value }) as const;
const none = { kind: "none", reason: "no answer in 10 ms" } as const;

function find(said: Partial<Said>, change: Partial<MemberRecord> = {}) {
  const whole = { status: answer(statusBy(0)), members: answer(membersSaid()), ...said };
  return rosterFindings({ ...record, ...change }, whole, onChain);
}

const failuresOf = (...given: Parameters<typeof find>) =>
  find(...given).filter(({ result }) => result === "failed");

test("a member that sees the cluster as the contract has it passes", () => {
  expect(find({}).map(({ check, result, actual }) => [check, result, actual])).toEqual([
    ["standing", "ok", "a member"],
    ["cluster", "ok", `contract ${onChain.contract} on chain ${onChain.chainId}`],
    ["term", "ok", "2"],
    ["leader", "ok", `slot 1, ${addressIn(1)}`],
    ["members", "ok", "3 in slots 0, 1, 5"],
  ]);
});

const wrongStatus: readonly (readonly [string, Partial<StatusAnswer>])[] = [
  ["cluster", { chain: { id: 1, contract: onChain.contract, block: 9 } }],
  ["cluster", { chain: { id: onChain.chainId, contract: stranger, block: 9 } }],
  ["term", { term: 3 }],
  ["leader", { leader: { slot: 0, wallet: addressIn(0), endpoint: "http://10.0.0.1:8080" } }],
  ["leader", { leader: null }],
];
test.each(wrongStatus)("another %s than the contract's fails alone", (check, change) => {
  const failures = failuresOf({ status: answer(statusBy(0, change)) });
  expect(failures.map((failure) => failure.check)).toEqual([check]);
});

const altered = (change: Partial<MembersAnswer[number]>): MembersAnswer =>
  membersSaid().map((row) => (row.slot === 5 ? { ...row, ...change } : row));

test.each<readonly [string, MembersAnswer, RegExp]>([
  ["another wallet", altered({ wallet: stranger }), new RegExp(`slot 5, token 6, ${stranger}`)],
  ["another endpoint", altered({ endpoint: "http://10.6.6.6" }), /, http:\/\/10\.6\.6\.6$/],
  ["another instance", altered({ instanceId: "99".repeat(20) }), /instance (99){20}, /],
  ["another token", altered({ tokenId: "7" }), /^slot 5, token 7, /],
  ["a member less", membersSaid().slice(1), /^2 in slots 1, 5$/],
])("a roster with %s fails, and shows it", (_what, rows, actual) => {
  const failures = failuresOf({ members: answer(rows) });
  expect(failures.map(({ check }) => check)).toEqual(["members"]);
  expect(failures[0]?.actual).toMatch(actual);
});

test("who waits to become a member is none", () => {
  const [waiting] = membersSaid().map((row) => ({ ...row, slot: 7, role: "pending" }));
  const rows = [...membersSaid(), ...(waiting === undefined ? [] : [waiting])];
  expect(failuresOf({ members: answer(rows) })).toEqual([]);
});

test("a revoked member fails for as long as it is on the roster; one that leaves does not", () => {
  expect(failuresOf({}, { revoked: true })).toEqual([
    {
      group: "roster",
      check: "standing",
      result: "failed",
      expected: "a member",
      actual: "revoked by the owner",
    },
  ]);
  expect(failuresOf({}, { departing: true })).toEqual([]);
});

test("what is not answered is not taken for granted", () => {
  const findings = find({ status: none, members: none });
  expect(findings.map(({ check, result }) => `${check}: ${result}`)).toEqual([
    "standing: ok",
    "cluster: failed",
    "term: skipped",
    "leader: skipped",
    "members: failed",
  ]);
  expect(findings.at(-1)?.actual).toBe("no answer in 10 ms");
});

import { expect, test } from "vitest";
import { reverted } from "../../../node/src/chain/errors.ts";
import { bootKey, hash, type MemberId, memberId, term } from "../../../node/src/consensus/ids.ts";
import { rosterOf } from "../../../node/src/consensus/roster.ts";
import type { View } from "../../../node/src/consensus/view.ts";
import { createPetitioner, type Petition } from "../../../node/src/runtime/petitions.ts";
import type { Chain } from "../../../node/src/runtime/ports.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { recordingCount, recordingLog } from "../../support/recorders.ts";

const [a, b, c, d] = ["a1", "b2", "c3", "d4"].map((byte) => memberId(`0x${byte.repeat(20)}`)) as [
  MemberId,
  MemberId,
  MemberId,
  MemberId,
];
const seat = (slot: number, id: MemberId) => ({ slot, id, bootKey: bootKey("0b".repeat(32)) });
/** Slots are not positions, so that one cannot pass for the other. */
const view: View = {
  term: term(5),
  leader: a,
  roster: rosterOf([seat(3, a), seat(7, b), seat(9, c)], sha256Chain),
  genesisSize: 3,
  coldTerm: term(0),
  revoked: [],
  departing: [],
  pending: [seat(8, d)],
  settled: true,
  anchor: null,
};
const checkpoint = {
  coldTerm: term(0),
  index: 12,
  logRoot: hash("e5".repeat(32)),
  stateHash: hash("f6".repeat(32)),
};
const otherRoot = { ...checkpoint, logRoot: hash("e6".repeat(32)) };
/** Stands for a signature; `recoverVoucher` below reads it. */
const by = (member: MemberId, of = checkpoint) => `${member} over ${of.logRoot}`;
const signed = (member: MemberId, signature = by(member)) => ({ member, signature });

/** Carries out one petition and tells what reached the chain, as `call argument`. */
async function carryOut(petition: Petition, changes: Partial<View> = {}, failure?: Error) {
  const sent: (readonly [string, unknown])[] = [];
  const chain = new Proxy({} as Chain, {
    get: (_, name: string) => async (argument: unknown) => {
      if (failure !== undefined) throw failure;
      sent.push([name, argument]);
    },
  });
  const { log, lines } = recordingLog();
  const counts = recordingCount();
  const petitioner = createPetitioner({
    chain,
    signVote: async () => "",
    recoverVoucher: async ({ logRoot }, signature) => {
      const [signer, root] = signature.split(" over ");
      return signer !== undefined && root === logRoot ? memberId(signer) : null;
    },
    input: () => undefined,
    refreshView: () => undefined,
    log,
    count: counts.count,
  });
  petitioner.carryOut(petition, { ...view, ...changes });
  await petitioner.settled();
  const warnings = lines.filter(({ level }) => level === "warn");
  return { sent, warnings: warnings.map(({ fields }) => fields), counted: counts.counted };
}

test.each([
  { error: "StaleTerm(5, 6)", outcome: "overtaken", warnings: 0 },
  { error: "AnchorNotNewer(12, 30)", outcome: "overtaken", warnings: 0 },
  { error: "NotLeader()", outcome: "failed", warnings: 1 },
])("a petition that $error refuses is $outcome", async ({ error, outcome, warnings }) => {
  const handOver: Petition = { kind: "hand-over", term: term(5), successor: b };
  const told = await carryOut(handOver, {}, reverted("handOver", error));
  expect(told.warnings).toHaveLength(warnings);
  expect(told.counted).toContainEqual(["petitions_total", { kind: "hand-over", outcome }]);
});

const anchor = (signatures: readonly ReturnType<typeof signed>[]): Petition => ({
  kind: "anchor",
  term: term(5),
  checkpoint,
  signatures,
});
const report = (first: string, second: string): Petition => ({
  kind: "report-equivocation",
  term: term(5),
  member: b,
  vouchers: [
    { checkpoint, signature: first },
    { checkpoint: otherRoot, signature: second },
  ],
});
const failure = (kind: Petition["kind"], reason: string) => ({
  petition: kind,
  term: 5,
  fault: { reason: `Error: ${reason}` },
});

test("who is pending is admitted by the slot it waits in", async () => {
  const { sent } = await carryOut({ kind: "admit", term: term(5), member: d });
  expect(sent).toEqual([["admit", { term: 5, slot: 8 }]]);
});

test("a member is removed by its slot", async () => {
  const { sent } = await carryOut({ kind: "remove", term: term(5), member: c });
  expect(sent).toEqual([["remove", { term: 5, slot: 9 }]]);
});

test("who is no member is not removed, and a member is not admitted twice", async () => {
  const removal = await carryOut({ kind: "remove", term: term(5), member: d });
  expect(removal).toMatchObject({
    sent: [],
    warnings: [failure("remove", `member ${d} is not on the roster of term 5`)],
  });
  const admission = await carryOut({ kind: "admit", term: term(5), member: a });
  expect(admission).toMatchObject({
    sent: [],
    warnings: [failure("admit", `member ${a} is not pending in term 5`)],
  });
});

test("a certificate goes to the chain with each signature at its member's slot", async () => {
  const { sent } = await carryOut(anchor([signed(c), signed(a)]));
  const signatures = [
    { slot: 9, signature: by(c) },
    { slot: 3, signature: by(a) },
  ];
  expect(sent).toEqual([["anchor", { checkpoint, signatures }]]);
});

test.each([
  ["another's signature", signed(c, by(a)), {}],
  ["one over another root", signed(c, by(c, otherRoot)), {}],
  ["no signature", signed(c, "0x"), {}],
  ["a stranger's", signed(d), {}],
  ["a revoked member's", signed(c), { revoked: [c] }],
])("%s is left out of a certificate, which still holds a quorum", async (_, wrong, changes) => {
  const { sent, warnings } = await carryOut(anchor([wrong, signed(a), signed(b)]), changes);
  const signatures = [
    { slot: 3, signature: by(a) },
    { slot: 7, signature: by(b) },
  ];
  expect({ sent, warnings }).toMatchObject({
    sent: [["anchor", { checkpoint, signatures }]],
    warnings: [],
  });
});

test("a certificate without a quorum of right signatures is not sent, and says whose are not", async () => {
  const { sent, warnings } = await carryOut(anchor([signed(a), signed(b, "0x"), signed(c, by(a))]));
  const reason = `the certificate of index 12 lacks a quorum, the signatures for ${b}, ${c} left out`;
  expect({ sent, warnings }).toMatchObject({ sent: [], warnings: [failure("anchor", reason)] });
});

test("one member's signature, given twice, is no quorum", async () => {
  const { sent, warnings } = await carryOut(anchor([signed(a), signed(a)]));
  const reason = "the certificate of index 12 lacks a quorum";
  expect({ sent, warnings }).toMatchObject({ sent: [], warnings: [failure("anchor", reason)] });
});

test("evidence goes to the chain as the member signed it", async () => {
  const { sent } = await carryOut(report(by(b), by(b, otherRoot)));
  const evidence = [
    { checkpoint, signature: by(b) },
    { checkpoint: otherRoot, signature: by(b, otherRoot) },
  ];
  expect(sent).toEqual([["reportEquivocation", evidence]]);
});

test("evidence that its culprit did not sign is not sent", async () => {
  const byOther = await carryOut(report(by(b), by(a, otherRoot)));
  const what = `the evidence of index 12 against ${b} is signed by`;
  expect(byOther).toMatchObject({
    sent: [],
    warnings: [failure("report-equivocation", `${what} ${a}`)],
  });
  const byNobody = await carryOut(report(by(b, otherRoot), by(b, otherRoot)));
  expect(byNobody).toMatchObject({
    sent: [],
    warnings: [failure("report-equivocation", `${what} nobody`)],
  });
});

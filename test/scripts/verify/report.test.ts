import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import { readRoot } from "../../../node/src/tee/chainOfTrust.ts";
import { intelRoot } from "../../../node/src/tee/intelRoot.ts";
import type { MemberVerdict, Verdict } from "../../../scripts/verify/examine.ts";
import { failed, ok, skipped } from "../../../scripts/verify/finding.ts";
import { isAccepted, jsonOf, type Report, tableOf } from "../../../scripts/verify/report.ts";
import { addressIn } from "../../support/vouched.ts";
import { onChain, records, slots } from "./samples.ts";

const sound = [
  ok("chain of trust", "chain of trust", 'signed, up to "Intel SGX Root CA"'),
  ok("measurements", "event log, RTMR3", "ab".repeat(48)),
  ok("freshness", "nonce", "5a".repeat(32)),
  skipped("same log root", "contract's anchor", "it showed no checkpoint there"),
];
const unsound = [
  failed("chain of trust", "chain of trust", { expected: "a root", actual: "another" }),
  ...sound.slice(1),
];
const own = "Intel SGX Root CA";

const passing = records.map(
  ({ slot, id, endpoint }): MemberVerdict => ({
    ...{ slot, wallet: id, endpoint, findings: sound },
    ...{ passes: true, ownRoot: own },
  }),
);
const withFailures = (...failing: readonly number[]) =>
  passing.map((member) =>
    failing.includes(member.slot) ? { ...member, passes: false, findings: unsound } : member,
  );

function reportOf(change: Partial<Verdict> = {}, quorumIsEnough = false): Report {
  const members = change.members ?? passing;
  return {
    verdict: {
      cluster: onChain,
      members,
      given: null,
      logs: { forks: [], common: null, laggards: [] },
      passing: members.filter(({ passes }) => passes).length,
      quorum: 2,
      ...change,
    },
    place: {
      endpoints: [{ name: "rpc 1 (10.0.0.9:8545)", call: () => Promise.reject(new Error()) }],
      contract: onChain.contract,
      pinned: true,
      nodeUrl: null,
    },
    trust: {
      root: readRoot(Buffer.from(intelRoot)),
      rootIsIntels: true,
      osMeasurements: [],
    },
    quorumIsEnough,
  };
}

test("a cluster whose members all pass is verified", () => {
  const report = reportOf();
  expect(isAccepted(report)).toBe(true);
  const lines = tableOf(report).split("\n");
  expect(lines).toContain(`slot 1, leader: ${addressIn(1)} at http://10.0.0.2:8080: ok`);
  expect(lines.at(-1)).toBe("Verified: all 3 members pass.");
  expect(tableOf(report)).toMatch(/^root +"Intel SGX Root CA" \(SHA-256 44a0196b2b99f889b8e149e9/m);
});

test("a table tells details where they tell something", () => {
  const table = tableOf(reportOf({ members: withFailures(5) }));
  expect(table).toMatch(/^ {2}measurements {4}event log, RTMR3 +ok$/m);
  expect(table).toMatch(/^ {2}freshness {7}nonce +ok +(5a){32}$/m);
  expect(table).toMatch(
    /^ {2}same log root {3}contract's anchor +skipped +it showed no checkpoint/m,
  );
  expect(table).toMatch(
    /^ {2}chain of trust {2}chain of trust +FAIL +expected a root, got another$/m,
  );
});

test("one member that fails is one too many, unless a quorum is enough", () => {
  const members = withFailures(5);
  const failure = "2 of 3 members pass; slot 5 fails at chain of trust.";
  expect(isAccepted(reportOf({ members }))).toBe(false);
  expect(tableOf(reportOf({ members }))).toMatch(new RegExp(`NOT verified: ${failure}$`));
  expect(isAccepted(reportOf({ members }, true))).toBe(true);
  expect(tableOf(reportOf({ members }, true))).toMatch(
    new RegExp(`\\nVerified by a quorum of 2: ${failure}$`),
  );
  expect(isAccepted(reportOf({ members: withFailures(0, 5) }, true))).toBe(false);
});

test("two signed logs are the end of it, even where a quorum would be enough", () => {
  const word = (root: string) => ({
    wallet: addressIn(5),
    checkpoint: { coldTerm: 0, index: 9, logRoot: root, stateHash: "55" },
    signature: `0xsigned${root}`,
  });
  const forks = [{ coldTerm: 0, index: 9, words: [word("aa"), word("bb")] }];
  const report = reportOf({ logs: { forks, common: null, laggards: [] } as never }, true);
  expect(isAccepted(report)).toBe(false);
  const table = tableOf(report);
  expect(table).toContain("Two logs: different checkpoints were signed at index 9 of cold term 0.");
  for (const root of ["aa", "bb"]) {
    expect(table).toContain(`${addressIn(5)} signed root ${root}, state 55: 0xsigned${root}`);
  }
  expect(table).toMatch(/NOT verified: 3 of 3 members pass; two logs were signed\.$/);
});

test("before term 1, or without members, there is nothing to verify", () => {
  const cluster = { ...onChain, view: { ...onChain.view, term: term(0) } };
  expect(isAccepted(reportOf({ cluster }))).toBe(false);
  expect(tableOf(reportOf({ cluster }))).toMatch(/; the contract's term 1 has not begun\.$/);
  expect(isAccepted(reportOf({ members: [] }))).toBe(false);
});

test("the node that was asked about must pass, whoever else does", () => {
  const endpoint = "http://elsewhere:8080";
  const reason = "it answers for a stranger";
  const unknown = reportOf({ given: { endpoint, reason } }, true);
  expect(isAccepted(unknown)).toBe(false);
  expect(tableOf(unknown)).toContain(`given: ${endpoint}: FAIL, ${reason}`);
  const [member] = passing;
  if (member === undefined) expect.unreachable();
  const known = reportOf({ given: { ...member, endpoint } });
  expect(isAccepted(known)).toBe(true);
  expect(tableOf(known)).toContain(
    `given, not the endpoint that the contract lists, slot 0: ${addressIn(0)} at ${endpoint}: ok`,
  );
  const failing = reportOf({ given: { ...member, endpoint, passes: false, findings: unsound } });
  expect(isAccepted(failing)).toBe(false);
  expect(tableOf(failing)).toMatch(
    /NOT verified: 3 of 3 members pass; given: http:\/\/elsewhere:8080\.$/,
  );
});

test("it says what was not pinned, whose root it is not, and who is behind", () => {
  const { place, trust, ...report } = reportOf({
    members: passing.map((member) => ({ ...member, ownRoot: "Simulated SGX Root CA" })),
    logs: { forks: [], common: null, laggards: [addressIn(5)] },
  });
  const table = tableOf({
    ...report,
    place: { ...place, pinned: false, nodeUrl: "http://10.0.0.1:8080" },
    trust,
  });
  expect(table).toMatch(
    /^contract +0x(5f){20} on chain 31337, as http:\/\/10\.0\.0\.1:8080 names it: not/m,
  );
  expect(table).toMatch(
    /^Quotes lead to the root "Simulated SGX Root CA"\. If you mean to .* --root dev/m,
  );
  expect(table).toContain("Behind the others' checkpoints: slot 5.");
  const owned = tableOf({ ...report, place, trust: { ...trust, rootIsIntels: false } });
  expect(owned).toMatch(
    /^root +"Intel SGX Root CA": not Intel's, as good as the word of who gave it/m,
  );
});

test("programs get all of it", () => {
  const document = JSON.parse(jsonOf(reportOf({ members: withFailures(1) })));
  expect(document).toMatchObject({
    verified: false,
    summary: "NOT verified: 2 of 3 members pass; slot 1 fails at chain of trust.",
    contract: { address: onChain.contract, chainId: 31_337, pinned: true, block: { number: 9 } },
    root: { subject: expect.stringContaining(`CN=${own}`), isIntels: true },
    term: 2,
    leader: addressIn(1),
    passing: 2,
    quorum: 2,
    forks: [],
  });
  expect(document.members.map(({ slot }: { slot: number }) => slot)).toEqual([...slots]);
  expect(document.members[1].findings[0]).toEqual({
    group: "chain of trust",
    check: "chain of trust",
    result: "failed",
    expected: "a root",
    actual: "another",
  });
});

/** A verdict for people, and for programs. */
import { nameOf } from "../../node/src/tee/certificates.ts";
import { columns } from "../cluster/columns.ts";
import type { MemberVerdict, Verdict } from "./examine.ts";
import { type Finding, groups } from "./finding.ts";
import type { Fork } from "./logRoot.ts";
import type { Place, Trust } from "./place.ts";

export type Report = {
  readonly verdict: Verdict;
  readonly place: Place;
  readonly trust: Trust;
  /** Whether a quorum of passing members is enough for the caller. */
  readonly quorumIsEnough: boolean;
};

/** Whether the cluster is what it should be, as far as the caller asked. */
export function isAccepted({ verdict, quorumIsEnough }: Report): boolean {
  const { cluster, members, given, logs, passing, quorum } = verdict;
  // Two roots at one index are the end of all trust in the log, whoever is to blame.
  if (cluster.view.term === 0 || members.length === 0 || logs.forks.length > 0) return false;
  if (given !== null && !("passes" in given && given.passes)) return false;
  return quorumIsEnough ? passing >= quorum : passing === members.length;
}

export function tableOf(report: Report): string {
  const { verdict } = report;
  const { members, given, logs } = verdict;
  return [
    ...headOf(report),
    ...members.flatMap((member) => ["", ...memberTable(member, verdict)]),
    ...(given === null ? [] : ["", ...givenTable(given, verdict)]),
    ...logs.forks.flatMap((fork) => ["", ...forkLines(fork)]),
    "",
    ...hintsOf(report),
    summaryOf(report),
  ].join("\n");
}

function headOf({ verdict, place, trust }: Report): readonly string[] {
  const { cluster } = verdict;
  const { view, members, pending, block } = cluster;
  const leader = members.find(({ id }) => id === view.leader);
  const origin = place.pinned
    ? ""
    : `, as ${place.nodeUrl} names it: not pinned (--contract pins it)`;
  const waiting = pending.length === 0 ? "" : `, ${pending.length} waiting and not judged`;
  const anchor = view.anchor === null ? "none" : `index ${view.anchor.index}`;
  return columns([
    ["contract", `${cluster.contract} on chain ${cluster.chainId}${origin}`],
    ["code", cluster.codeHash],
    ["chain", `block ${block.number}, by ${place.endpoints.map(({ name }) => name).join(", ")}`],
    ["term", `${view.term}, led by slot ${leader?.slot ?? "none"}; anchor: ${anchor}`],
    ["members", `${members.length}, a quorum is ${verdict.quorum}${waiting}`],
    ["root", rootText(trust)],
  ]);
}

function rootText({ root, rootIsIntels }: Trust): string {
  const { fingerprint256 } = root.x509;
  const whose = rootIsIntels ? "" : ": not Intel's, as good as the word of who gave it";
  return `${nameOf(root)}${whose} (SHA-256 ${fingerprint256.replaceAll(":", "").toLowerCase()})`;
}

function memberTable(member: MemberVerdict, { cluster }: Verdict): readonly string[] {
  const { slot, wallet, endpoint, passes, findings } = member;
  const leads = cluster.view.leader === wallet ? ", leader" : "";
  return [
    `slot ${slot}${leads}: ${wallet} at ${endpoint}: ${passes ? "ok" : "FAIL"}`,
    ...columns(rowsOf(findings)).map((line) => `  ${line}`),
  ];
}

function givenTable(given: NonNullable<Verdict["given"]>, verdict: Verdict): readonly string[] {
  if ("reason" in given) return [`given: ${given.endpoint}: FAIL, ${given.reason}`];
  const [title = "", ...rows] = memberTable(given, verdict);
  return [`given, not the endpoint that the contract lists, ${title}`, ...rows];
}

function rowsOf(findings: readonly Finding[]): readonly (readonly string[])[] {
  return groups.flatMap((group) =>
    findings
      .filter((finding) => finding.group === group)
      .map((finding, at) => [
        at === 0 ? group : "",
        finding.check,
        finding.result === "failed" ? "FAIL" : finding.result,
        detailOf(finding),
      ]),
  );
}

/** Registers and report data tell a person nothing while they are as expected. */
const long = /^(?:MRTD .*|[0-9a-f]{65,})$/;

function detailOf({ result, expected, actual }: Finding): string {
  if (result === "failed") return `expected ${expected}, got ${actual}`;
  return long.test(actual) ? "" : actual;
}

function forkLines({ coldTerm, index, words }: Fork): readonly string[] {
  return [
    `Two logs: different checkpoints were signed at index ${index} of cold term ${coldTerm}.`,
    ...words.map(
      ({ wallet, checkpoint: { logRoot, stateHash }, signature }) =>
        `  ${wallet} signed root ${logRoot}, state ${stateHash}: ${signature}`,
    ),
  ];
}

function hintsOf({ verdict, trust }: Report): readonly string[] {
  const { members, logs } = verdict;
  const own = nameOf(trust.root);
  const others = new Set(
    members.flatMap(({ ownRoot }) => (ownRoot === null || `"${ownRoot}"` === own ? [] : [ownRoot])),
  );
  const roots = [...others].map(
    (name) =>
      `Quotes lead to the root "${name}". If you mean to trust it, name its certificate: ` +
      "--root FILE; --root dev for the simulator of a local cluster, which proves no hardware.",
  );
  const behind = members.filter(({ wallet }) => logs.laggards.includes(wallet));
  const slots = behind.map(({ slot }) => slot).join(", ");
  return [
    ...roots,
    ...(behind.length === 0 ? [] : [`Behind the others' checkpoints: slot ${slots}.`]),
  ];
}

function summaryOf(report: Report): string {
  const { verdict } = report;
  const { members, given, logs, passing, cluster, quorum } = verdict;
  const all = members.length;
  const failures = members.filter(({ passes }) => !passes).map(failureOf);
  const reasons = [
    ...(cluster.view.term === 0 ? ["the contract's term 1 has not begun"] : []),
    ...failures,
    ...(given === null || ("passes" in given && given.passes) ? [] : [`given: ${given.endpoint}`]),
    ...(logs.forks.length === 0 ? [] : ["two logs were signed"]),
  ];
  const count = `${passing} of ${all} members pass`;
  const why = reasons.length === 0 ? "" : `; ${reasons.join("; ")}`;
  if (isAccepted(report)) {
    return passing === all
      ? `Verified: all ${all} members pass.`
      : `Verified by a quorum of ${quorum}: ${count}${why}.`;
  }
  return `NOT verified: ${count}${why}.`;
}

function failureOf({ slot, findings }: MemberVerdict): string {
  const failed = findings.filter(({ result }) => result === "failed").map(({ check }) => check);
  return `slot ${slot} fails at ${failed.join(", ")}`;
}

export function jsonOf(report: Report): string {
  const { verdict, place, trust } = report;
  const { cluster, members, given, logs, passing, quorum } = verdict;
  const { view, block } = cluster;
  const { anchor } = view;
  return JSON.stringify(
    {
      verified: isAccepted(report),
      summary: summaryOf(report),
      contract: {
        address: cluster.contract,
        chainId: cluster.chainId,
        codeHash: cluster.codeHash,
        pinned: place.pinned,
        block: { number: Number(block.number), hash: block.hash },
        rpc: place.endpoints.map(({ name }) => name),
      },
      root: {
        subject: trust.root.x509.subject,
        sha256: trust.root.x509.fingerprint256.replaceAll(":", "").toLowerCase(),
        isIntels: trust.rootIsIntels,
      },
      term: view.term,
      coldTerm: view.coldTerm,
      leader: view.leader,
      roster: cluster.members.map((member) => ({ ...member, tokenId: member.tokenId.toString() })),
      anchor,
      quorum,
      passing,
      members,
      given,
      commonCheckpoint: logs.common,
      behind: logs.laggards,
      forks: logs.forks,
    },
    null,
    2,
  );
}

/** Everything that is checked, of all members at one moment. */

import { z } from "zod";
import { createVoucherRecoverer } from "../../node/src/chain/vouchers.ts";
import type { BootKey, MemberId } from "../../node/src/consensus/ids.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import { type AskNode, bootKeyFinding } from "./bootKey.ts";
import type { ClusterOnChain } from "./contract.ts";
import { type Appraised, appraise, notPresented, type Standards } from "./evidence.ts";
import { type Finding, failed, hasFailed, skipped } from "./finding.ts";
import type { Gathered, Subject } from "./gather.ts";
import { compareLogs, type LogComparison, type Word, wordsOf } from "./logRoot.ts";
import { ask, logPageSchema } from "./node.ts";
import { rosterFindings } from "./roster.ts";

export type MemberVerdict = {
  readonly slot: number;
  readonly wallet: MemberId;
  /** Where it was asked. */
  readonly endpoint: string;
  readonly passes: boolean;
  readonly findings: readonly Finding[];
  /** Name of the root that its quote's certificates end in; null: nothing could be read. */
  readonly ownRoot: string | null;
};

export type Verdict = {
  readonly cluster: ClusterOnChain;
  readonly members: readonly MemberVerdict[];
  /** Of the node that was given, when the contract does not list its URL. */
  readonly given: MemberVerdict | { readonly endpoint: string; readonly reason: string } | null;
  readonly logs: Pick<LogComparison, "forks" | "common" | "laggards">;
  readonly passing: number;
  readonly quorum: number;
};

export type Examination = {
  readonly standards: Standards;
  readonly cluster: ClusterOnChain;
  readonly nodeUrl: string | null;
  readonly timeoutMs: number;
  /** Signed checkpoints of earlier rounds, and, after the call, of this one. */
  readonly words: Word[];
};

/** @throws ChainError when the contract cannot be asked */
export async function examine(
  { subjects, elsewhere }: Gathered,
  examination: Examination,
): Promise<Verdict> {
  const { cluster, words, nodeUrl } = examination;
  const other = elsewhere?.kind === "member" ? [elsewhere.subject] : [];
  const all = [...subjects, ...other];
  const foreign = await Promise.all(all.map((subject) => takeWords(subject, cluster, words)));
  const answering = subjects.filter(({ attestation }) => attestation.kind === "answer");
  const logs = compareLogs(
    { members: answering.map(({ member }) => member.id), rosterSize: cluster.members.length },
    words,
    cluster.view.anchor,
  );
  const verdicts = await Promise.all(
    all.map(async (subject, at): Promise<MemberVerdict> => {
      const { member, endpoint } = subject;
      const { findings, ownRoot } = await examineOne(subject, { subjects, examination, logs });
      const signed = foreign[at] ?? [];
      const every = [...findings, ...signed];
      const passes = !hasFailed(every);
      return { slot: member.slot, wallet: member.id, endpoint, passes, findings: every, ownRoot };
    }),
  );
  const members = verdicts.slice(0, subjects.length);
  const given =
    elsewhere?.kind === "nobody"
      ? { endpoint: nodeUrl ?? "", reason: elsewhere.reason }
      : (verdicts[subjects.length] ?? null);
  const { forks, common, laggards } = logs;
  return {
    cluster,
    members,
    given,
    logs: { forks, common, laggards },
    passing: members.filter(({ passes }) => passes).length,
    quorum: quorumSize(cluster.members.length),
  };
}

/** Adds what the member signed, and tells what it passed off as signed by itself. */
async function takeWords(
  { member, attestation }: Subject,
  { chainId, contract }: ClusterOnChain,
  words: Word[],
): Promise<readonly Finding[]> {
  if (attestation.kind === "none") return [];
  const recover = createVoucherRecoverer({ chainId, contract });
  const taken = await wordsOf(member.id, attestation.value.checkpoints ?? [], recover);
  words.push(...taken.words);
  const expected = `checkpoints signed by ${member.id}`;
  return taken.foreign.map((actual) =>
    failed("same log root", "checkpoint signature", { expected, actual }),
  );
}

type Among = {
  readonly subjects: readonly Subject[];
  readonly examination: Examination;
  readonly logs: LogComparison;
};

async function examineOne(
  subject: Subject,
  { subjects, examination, logs }: Among,
): Promise<Pick<Appraised, "findings" | "ownRoot">> {
  const { member, nonce, attestation } = subject;
  if (attestation.kind === "none") {
    const findings = [
      ...notPresented(attestation.reason),
      skipped("roster", "members", attestation.reason),
      skipped("same log root", "log root", attestation.reason),
    ];
    return { findings, ownRoot: null };
  }
  const { standards, cluster } = examination;
  const { value: answer } = attestation;
  const served = answer.collateral ?? null;
  const appraised = await appraise({ member, nonce, answer, served }, standards);
  const key = appraised.proof?.bootKey;
  const boot = key === undefined ? [] : [await bootKeyOf(key, subject, { subjects, examination })];
  const findings = [
    ...appraised.findings,
    ...boot,
    ...rosterFindings(member, subject, cluster),
    ...(logs.findings.get(member.id) ?? []),
  ];
  return { findings, ownRoot: appraised.ownRoot };
}

async function bootKeyOf(
  quoted: BootKey,
  { member, endpoint, status }: Subject,
  { subjects, examination }: Pick<Among, "subjects" | "examination">,
): Promise<Finding> {
  const { cluster, timeoutMs } = examination;
  const said = subjects.flatMap(({ members }) =>
    members.kind === "answer" ? [members.value] : [],
  );
  const at = (path: string) => ({ origin: endpoint, path, timeoutMs });
  const node: AskNode = {
    log: (from, limit) => ask(logPageSchema, at(`/log?from=${from}&limit=${limit}`)),
    receipt: (index) => ask(z.unknown(), at(`/receipts/${index}`)),
  };
  const lastIndex = status.kind === "answer" ? status.value.commitIndex : 0;
  return await bootKeyFinding({ member, quoted, cluster, said, lastIndex, node });
}

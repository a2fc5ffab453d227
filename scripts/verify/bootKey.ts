/**
 * Whether the boot key in a member's quote is the one that counts: the contract's, until an entry of
 * the log names another one for the member (protocol.md, 3.3).
 *
 * A receipt proves that an entry names the quoted key. That no later entry names another has no
 * proof: there the members are asked, and have to agree.
 */
import type { BootKey, MemberId } from "../../node/src/consensus/ids.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { MemberRecord } from "../../node/src/runtime/ports.ts";
import type { SavedRoster } from "../receipt/roster.ts";
import { verifyReceipt } from "../receipt/verify.ts";
import type { ClusterOnChain } from "./contract.ts";
import { type Finding, failed, ok, skipped } from "./finding.ts";
import type { Asked, logPageSchema, MembersAnswer } from "./node.ts";

export type AskNode = {
  readonly log: (from: number, limit: number) => Promise<Asked<LogPage>>;
  /** The answer's text. */
  readonly receipt: (index: number) => Promise<Asked<unknown>>;
};
type LogPage = ReturnType<typeof logPageSchema.parse>;

export type BootKeyQuestion = {
  readonly member: MemberRecord;
  readonly quoted: BootKey;
  readonly cluster: ClusterOnChain;
  /** What each member that answered says of all of them. */
  readonly said: readonly MembersAnswer[];
  /** The member's own commit index, where the search begins. */
  readonly lastIndex: number;
  readonly node: AskNode;
};

const name = "boot key";

export async function bootKeyFinding(question: BootKeyQuestion): Promise<Finding> {
  const { member, quoted, cluster, said } = question;
  const named = said.flatMap((rows) => rows.filter(({ wallet }) => wallet === member.id));
  const agreeing = named.filter(({ bootKey }) => bootKey === quoted).length;
  const word = `${agreeing} of ${named.length} members that answered say so`;
  if (agreeing < quorumSize(cluster.members.length)) {
    const others = [...new Set(named.map(({ bootKey }) => bootKey))].filter(
      (key) => key !== quoted,
    );
    const expected = others[0] ?? `one that ${quorumSize(cluster.members.length)} members name`;
    return failed("roster", name, { expected, actual: `${quoted}; ${word}` });
  }
  if (member.bootKey === quoted) return ok("roster", name, `the contract's; ${word}`);
  const entry = await entryThatNames(question);
  if (typeof entry === "string") return skipped("roster", name, `not proven: ${entry}; ${word}`);
  const { index, signers } = entry;
  const proven = `named by entry ${index}, whose receipt ${signers} members signed`;
  return ok("roster", name, `${proven}; ${word}`);
}

type Naming = { readonly index: number; readonly signers: number };

async function entryThatNames(question: BootKeyQuestion): Promise<Naming | string> {
  const { member, quoted, cluster, node } = question;
  const index = await indexOfRejoin(question);
  if (typeof index === "string") return index;
  const receipt = await node.receipt(index);
  if (receipt.kind === "none") return receipt.reason;
  const verdict = await verifyReceipt(JSON.stringify(receipt.value), rosterOf(cluster));
  const failures = verdict.steps.filter(({ result }) => result === "failed");
  if (failures.length > 0) {
    return `the receipt of entry ${index} fails at ${failures.map(({ step }) => step).join(", ")}`;
  }
  const body = verdict.entry?.body;
  const names = body?.kind === "rejoin" && body.member === member.id && body.bootKey === quoted;
  if (!names || verdict.entry?.index !== index) return `entry ${index} names another boot`;
  return { index, signers: verdict.receipt?.signatures.length ?? 0 };
}

const pageLength = 1_000;
const pagesMax = 30;

/** The log's records are a hint where to look; the receipt is what counts. */
async function indexOfRejoin(question: BootKeyQuestion): Promise<number | string> {
  const { member, quoted, lastIndex, node } = question;
  let to = lastIndex;
  for (let page = 0; page < pagesMax && to > 0; page += 1) {
    const from = Math.max(1, to - pageLength + 1);
    const answer = await node.log(from, to - from + 1);
    if (answer.kind === "none") return answer.reason;
    const { entries, firstIndex } = answer.value;
    const found = entries.findLast((entry) => isRejoin(entry, member.id, quoted));
    if (found !== undefined) return found.index;
    if (from <= firstIndex) return `no entry from ${firstIndex} on names it`;
    to = from - 1;
  }
  return `none of the last ${pagesMax * pageLength} entries names it`;
}

function isRejoin(
  { kind, command }: LogPage["entries"][number],
  member: MemberId,
  quoted: BootKey,
): boolean {
  if (kind !== "rejoin" || typeof command !== "object" || command === null) return false;
  return (
    "member" in command &&
    command.member === member &&
    "bootKey" in command &&
    command.bootKey === quoted
  );
}

function rosterOf({ chainId, contract, block, view, members }: ClusterOnChain): SavedRoster {
  return {
    format: 1,
    chainId,
    contract: contract as `0x${string}`,
    block: { number: Number(block.number), hash: block.hash },
    term: view.term,
    coldTerm: view.coldTerm,
    members: members.map(({ slot, id, revoked }) => ({
      slot,
      wallet: id as `0x${string}`,
      revoked,
    })),
  };
}

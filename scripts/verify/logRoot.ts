/**
 * Whether the members hold the same log: by the checkpoints that each of them signed.
 *
 * Safety assumes: a member's wallet signs only what its enclave found in its own log. Equal roots at
 * one index mean equal logs up to there; nothing is said of what comes after.
 *
 * @see protocol.md, "Checkpoints"
 */
import type { Anchor, Checkpoint } from "../../node/src/consensus/checkpoint.ts";
import type { MemberId } from "../../node/src/consensus/ids.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { RecoverVoucher, SignedCheckpoint } from "../../node/src/runtime/ports.ts";
import { type Finding, failed, ok, skipped } from "./finding.ts";

/** One member's word, whose signature was recovered to its wallet. */
export type Word = SignedCheckpoint & { readonly wallet: MemberId };

/** Two words that cannot both be of one log: what convicts a member, or the cluster. */
export type Fork = {
  readonly coldTerm: number;
  readonly index: number;
  readonly words: readonly Word[];
};

export type LogComparison = {
  readonly findings: ReadonlyMap<MemberId, readonly Finding[]>;
  readonly forks: readonly Fork[];
  /** The greatest that all members signed alike; null: there is none. */
  readonly common: Checkpoint | null;
  /** Members whose newest checkpoint is older than another's, or than the anchor. */
  readonly laggards: readonly MemberId[];
};

/** Leaves out, and tells, what the member did not sign. */
export async function wordsOf(
  wallet: MemberId,
  signed: readonly { readonly checkpoint: unknown; readonly signature: string }[],
  recover: RecoverVoucher,
): Promise<{ readonly words: readonly Word[]; readonly foreign: readonly string[] }> {
  const words: Word[] = [];
  const foreign: string[] = [];
  for (const { checkpoint: given, signature } of signed) {
    const checkpoint = given as Checkpoint;
    const signer = await recover(checkpoint, signature);
    if (signer === wallet) words.push({ wallet, checkpoint, signature });
    else foreign.push(`index ${checkpoint.index}, signed by ${signer ?? "nobody"}`);
  }
  return { words, foreign };
}

/**
 * @param roster.members those that answered, of `rosterSize`
 * @param words of members, in any order; those that repeat are looked at once
 */
export function compareLogs(
  roster: { readonly members: readonly MemberId[]; readonly rosterSize: number },
  words: readonly Word[],
  anchor: Anchor | null,
): LogComparison {
  const { members } = roster;
  const places = placesOf(words);
  const forks = [...places.values()].filter(isFork).map(forkOf);
  const common = newest(
    [...places.values()].filter(
      (there) => !isFork(there) && members.every((id) => signedBy(there, id)),
    ),
  );
  const newestOf = (id: MemberId) => newest([...places.values()].filter((at) => signedBy(at, id)));
  const latest = newest([...places.values()]);
  const anchored =
    anchor !== null && (latest === null || isLater(anchor, latest)) ? anchor : latest;
  const laggards = members.filter((id) => {
    const own = newestOf(id);
    return own !== null && anchored !== null && isLater(anchored, own);
  });
  const findings = members.map((id) => {
    const own = newestOf(id);
    const all = { ...roster, places, anchor, common, own };
    return [id, [rootFinding(id, all), ...anchorFinding(id, all)]] as const;
  });
  return { findings: new Map(findings), forks, common, laggards };
}

type Place = readonly Word[];
type Places = ReadonlyMap<string, Place>;
type Compared = {
  readonly members: readonly MemberId[];
  readonly rosterSize: number;
  readonly places: Places;
  readonly anchor: Anchor | null;
  readonly common: Checkpoint | null;
  readonly own: Checkpoint | null;
};

const check = "log root";

function rootFinding(id: MemberId, compared: Compared): Finding {
  const { members, rosterSize, places, common, own } = compared;
  const fork = [...places.values()].find(
    (there) => isFork(there) && dissents(there, id, rosterSize),
  );
  if (fork !== undefined) return forked(fork, id);
  if (own === null) return uncompared(id, compared, "no checkpoint that it signed");
  if (common !== null && members.length > 1) {
    return same(`${describe(common)}, as all ${members.length} that answered signed it`);
  }
  const shared = [...places.values()].filter((there) => agreeing(there, id).length > 1);
  const best = newest(shared.map((there) => there.filter(({ wallet }) => wallet === id)));
  if (best === null) return uncompared(id, compared, `its newest is at index ${own.index}`);
  const others = agreeing(places.get(keyOf(best)) ?? [], id).length - 1;
  return same(`${describe(best)}, as ${others} other of ${members.length} that answered signed it`);
}

/** Nothing to hold it against: that nothing was found is not that nothing is wrong. */
function uncompared(id: MemberId, { rosterSize, places, anchor, own }: Compared, actual: string) {
  if (rosterSize === 1) return skipped("same log root", check, "there is no other member");
  const isAnchored =
    own !== null &&
    anchor !== null &&
    keyOf(own) === keyOf(anchor) &&
    own.logRoot === anchor.logRoot;
  if (isAnchored) return same(`${describe(own)}, as the contract's anchor has it`);
  const others = [...places.values()].flat().filter(({ wallet }) => wallet !== id);
  const indexes = others.map(({ checkpoint }) => checkpoint.index);
  const span =
    indexes.length === 0 ? "none yet" : `from ${Math.min(...indexes)} to ${Math.max(...indexes)}`;
  const expected = `a signed checkpoint at an index that another member signed (${span})`;
  return failed("same log root", check, { expected, actual });
}

function forked(there: Place, id: MemberId): Finding {
  const [own] = there.filter(({ wallet }) => wallet === id);
  const other = there.find((word) => own !== undefined && differ(word, own));
  if (own === undefined || other === undefined) throw new Error("a fork has two sides");
  const { coldTerm, index } = own.checkpoint;
  return failed("same log root", check, {
    expected: `at index ${index}, cold term ${coldTerm}: ${sums(other)}, signed by ${other.wallet}`,
    actual: `${sums(own)}, signed by ${own.wallet}`,
  });
}

function anchorFinding(id: MemberId, { places, anchor }: Compared): readonly Finding[] {
  if (anchor === null) return [];
  const name = "contract's anchor";
  const [own] = (places.get(keyOf(anchor)) ?? []).filter(({ wallet }) => wallet === id);
  if (own === undefined) {
    const place = `index ${anchor.index}, cold term ${anchor.coldTerm}`;
    return [skipped("same log root", name, `it showed no checkpoint of its own at ${place}`)];
  }
  const [expected, actual] = [anchor.logRoot, own.checkpoint.logRoot].map(
    (root) => `root ${root} at index ${anchor.index}`,
  );
  if (expected === actual) return [ok("same log root", name, actual ?? "")];
  return [failed("same log root", name, { expected: expected ?? "", actual: actual ?? "" })];
}

/**
 * Whose word at a fork does not count: a member that contradicts itself, and all but those of whom
 * a quorum says the same.
 */
function dissents(there: Place, id: MemberId, rosterSize: number): boolean {
  const own = there.filter(({ wallet }) => wallet === id);
  const [first] = own;
  if (first === undefined) return false;
  if (own.some((word) => differ(word, first))) return true;
  return agreeing(there, id).length < quorumSize(rosterSize);
}

function placesOf(words: readonly Word[]): Places {
  const places = new Map<string, Word[]>();
  for (const word of words) {
    const there = places.get(keyOf(word.checkpoint)) ?? [];
    const isKnown = there.some((known) => known.wallet === word.wallet && !differ(known, word));
    if (!isKnown) places.set(keyOf(word.checkpoint), [...there, word]);
  }
  return places;
}

/** What differs after a cold start need not be a fork: other entries may stand at an index. */
const keyOf = ({ coldTerm, index }: Pick<Checkpoint, "coldTerm" | "index">) =>
  `${coldTerm} ${index}`;

/** Who says the same there as this member first does, itself included. */
function agreeing(there: Place, id: MemberId): readonly MemberId[] {
  const own = there.find(({ wallet }) => wallet === id);
  return own === undefined ? [] : signersOf(there.filter((word) => !differ(word, own)));
}

const differ = (a: Word, b: Word): boolean => sums(a) !== sums(b);
const isFork = (there: Place): boolean =>
  there.some((word) => there[0] !== undefined && differ(word, there[0]));
const signedBy = (there: Place, id: MemberId): boolean => there.some(({ wallet }) => wallet === id);
const signersOf = (there: Place) => [...new Set(there.map(({ wallet }) => wallet))];

function forkOf(words: Place): Fork {
  const { coldTerm = 0, index = 0 } = words[0]?.checkpoint ?? {};
  return { coldTerm, index, words };
}

function newest(places: readonly Place[]): Checkpoint | null {
  const checkpoints = places.flatMap(([word]) => (word === undefined ? [] : [word.checkpoint]));
  return checkpoints.reduce<Checkpoint | null>(
    (best, one) => (best === null || isLater(one, best) ? one : best),
    null,
  );
}

type Position = Pick<Checkpoint, "coldTerm" | "index">;

function isLater(a: Position, b: Position): boolean {
  return a.coldTerm > b.coldTerm || (a.coldTerm === b.coldTerm && a.index > b.index);
}

function sums({ checkpoint: { logRoot, stateHash } }: Word): string {
  return `root ${logRoot}, state ${stateHash}`;
}

const describe = ({ index, logRoot }: Checkpoint): string => `root ${logRoot} at index ${index}`;
const same = (actual: string): Finding => ok("same log root", check, actual);

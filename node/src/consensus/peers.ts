/** Who can be reached, and what they last said of themselves. */

import { setAsideFetched } from "./fetch.ts";
import type { Boot, BootKey, MemberId, Term } from "./ids.ts";
import type { Position } from "./log.ts";
import { isGreater } from "./log.ts";
import type { Report, Status } from "./message.ts";
import { tryToAdopt } from "./office.ts";
import { dropProgress, freshProgress } from "./progress.ts";
import {
  andThen,
  emit,
  type Peer,
  type Replica,
  type Step,
  stay,
  withProgress,
} from "./replica.ts";
import { sendOne } from "./replicate.ts";
import type { Roster } from "./roster.ts";
import type { View } from "./view.ts";
import { vouchTo } from "./vouchers.ts";

/** Forgotten after this many suspicion times without a channel or a word. */
const forgetAfter = 60;

/**
 * Members of rosters that may still matter, whatever the contract lists now: by this replica's own log,
 * and by one that it would adopt if their promises came.
 */
export function membersInPlay({ seats, office }: Replica): readonly MemberId[] {
  const rosters = [...seats.rosters.map(({ roster }) => roster), ...(office?.judged?.joint ?? [])];
  return rosters.flatMap(({ members }) => members.map(({ id }) => id));
}

export function onConnected(replica: Replica, boot: Boot): Step {
  const known = replica.peers.get(boot.bootKey);
  const peer: Peer = {
    boot,
    connected: true,
    heardAwakeMs: replica.awakeMs,
    report: known?.report ?? null,
  };
  const met = withPeer(replica, peer);
  const { own } = met.vouched;
  const effects = [sayReport(met, boot), ...(own === null ? [] : [vouchTo(boot, own, false)])];
  return andThen(emit(met, ...effects), (told) => attend(told, peer));
}

/** A leader turns to a boot that just became reachable. */
function attend(replica: Replica, peer: Peer): Step {
  const { office } = replica;
  if (office === null || office.stage === "barred") return stay(replica);
  if (office.stage === "starting" || office.stage === "active") {
    const progress = { ...freshProgress(replica, peer), mode: "probe" as const };
    return sendOne(withProgress(replica, office, progress), peer.boot.bootKey);
  }
  return emit(replica, {
    kind: "send",
    to: peer.boot,
    message: { kind: "prepare", term: office.term, rosterHash: office.roster.hash },
    after: "durable",
  });
}

export function onDisconnected(replica: Replica, boot: Boot): Step {
  const known = replica.peers.get(boot.bootKey);
  if (known === undefined) return stay(replica);
  const gone = dropProgress(withPeer(replica, { ...known, connected: false }), boot.bootKey);
  return gone.office?.fetch?.from.bootKey === boot.bootKey
    ? tryToAdopt(setAsideFetched(gone))
    : stay(gone);
}

export function onReport(replica: Replica, from: Boot, report: Report): Step {
  const known = replica.peers.get(from.bootKey);
  const peer: Peer = {
    boot: from,
    connected: known?.connected ?? false,
    heardAwakeMs: replica.awakeMs,
    report,
  };
  const noted = withPeer(replica, peer);
  return report.term > (replica.view?.term ?? 0)
    ? emit(noted, { kind: "refresh-view" })
    : stay(noted);
}

/** Any message is a sign of life. */
export function heard(replica: Replica, from: Boot): Replica {
  const known = replica.peers.get(from.bootKey);
  if (known === undefined) {
    return withPeer(replica, {
      boot: from,
      connected: false,
      heardAwakeMs: replica.awakeMs,
      report: null,
    });
  }
  return known.heardAwakeMs === replica.awakeMs
    ? replica
    : withPeer(replica, { ...known, heardAwakeMs: replica.awakeMs });
}

export function reportToAll(replica: Replica): Step {
  const told = { ...replica, reportedMs: replica.nowMs };
  const reachable = [...replica.peers.values()].filter(({ connected }) => connected);
  return emit(told, ...reachable.map(({ boot }) => sayReport(replica, boot)));
}

function sayReport(replica: Replica, to: Boot) {
  const { status, promised, log, commitIndex } = replica;
  const message: Report = {
    kind: "report",
    status,
    term: shownTerm(replica),
    promisedTerm: promised?.term ?? (0 as Report["term"]),
    last: log.last,
    commitIndex,
  };
  return { kind: "send", to, message, after: "durable" } as const;
}

function shownTerm({ view }: Replica): Term {
  return view?.term ?? (0 as Term);
}

export function forgetSilentPeers(replica: Replica): Replica {
  const { peers, awakeMs, setup } = replica;
  const since = awakeMs - setup.suspectAfterMs * forgetAfter;
  const kept = [...peers].filter(
    ([, { connected, heardAwakeMs }]) => connected || heardAwakeMs >= since,
  );
  return kept.length === peers.size ? replica : { ...replica, peers: new Map(kept) };
}

export type Standing = {
  readonly boot: Boot;
  readonly slot: number;
  readonly status: Status;
  /** The term that its view of the contract shows. */
  readonly viewTerm: Term;
  readonly last: Position;
};

/**
 * Members of `roster` heard from within `withinMs`, self included; of two boots the later heard.
 * What a refused boot says is not heard.
 */
export function heardLately(
  replica: Replica,
  roster: Roster,
  withinMs: number,
): readonly Standing[] {
  const { setup, status, log, peers, refused, awakeMs } = replica;
  const latest = new Map<MemberId, Peer>();
  for (const peer of peers.values()) {
    const rival = latest.get(peer.boot.member);
    if (refused.has(peer.boot.bootKey)) continue;
    if (peer.report === null || awakeMs - peer.heardAwakeMs > withinMs) continue;
    if (rival === undefined || rival.heardAwakeMs < peer.heardAwakeMs)
      latest.set(peer.boot.member, peer);
  }
  return roster.members.flatMap(({ id, slot }) => {
    if (id === setup.self.member) {
      if (refused.has(setup.self.bootKey)) return [];
      return [{ boot: setup.self, slot, status, viewTerm: shownTerm(replica), last: log.last }];
    }
    const { boot, report } = latest.get(id) ?? { report: null };
    return report === null || boot === undefined
      ? []
      : [{ boot, slot, status: report.status, viewTerm: report.term, last: report.last }];
  });
}

/**
 * Whom to name leader next: those who stay before those who asked to go, normal boots before
 * recovering ones (unless only the log matters), then the greatest log, then the lowest slot, so
 * that members who heard the same choose the same.
 */
export function chooseSuccessor(
  replica: Replica,
  view: View,
  without: ReadonlySet<MemberId>,
  byLogAlone = false,
): Standing | null {
  const eligible = heardLately(replica, view.roster, replica.setup.suspectAfterMs * 2).filter(
    ({ boot }) => !without.has(boot.member) && !view.revoked.includes(boot.member),
  );
  const isLeaving = ({ boot }: Standing) => view.departing.includes(boot.member);
  const better = (a: Standing, b: Standing): Standing => {
    if (!byLogAlone && isLeaving(a) !== isLeaving(b)) return isLeaving(b) ? a : b;
    if (!byLogAlone && a.status !== b.status) return a.status === "normal" ? a : b;
    if (isGreater(b.last, a.last)) return b;
    if (isGreater(a.last, b.last)) return a;
    return a.slot <= b.slot ? a : b;
  };
  return eligible.reduce<Standing | null>((best, one) => (best ? better(best, one) : one), null);
}

function withPeer(replica: Replica, peer: Peer): Replica {
  const peers = new Map<BootKey, Peer>(replica.peers).set(peer.boot.bootKey, peer);
  return { ...replica, peers };
}

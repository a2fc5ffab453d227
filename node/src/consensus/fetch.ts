/**
 * The greatest log that was promised, fetched from its holder beside this replica's own
 * (protocol.md, 4.9 and 4.10). Once it is there, or set aside, office.ts looks at the promises anew.
 */
import type { Boot } from "./ids.ts";
import { type Position, positionAt } from "./log.ts";
import type { Fetch, Fetched, FetchFailed } from "./message.ts";
import { emit, type Office, type Replica, type Step, stay } from "./replica.ts";

/** Suspicion times for which a log that could not be fetched is left out. */
const setAsidePatience = 4;

/** Asks for all that follows this replica's commit index: up to there, every log is the same. */
export function fetchFrom(
  replica: Replica,
  office: Office,
  { from, last }: { readonly from: Boot; readonly last: Position },
): Step {
  const base = positionAt(replica.log, replica.commitIndex);
  if (base === null) return stay(replica);
  const fetch = { from, target: last, base, entries: [], sentMs: replica.nowMs };
  return ask({ ...replica, office: { ...office, stage: "fetching", fetch } });
}

function ask(replica: Replica): Step {
  const { office, nowMs } = replica;
  if (office === null || office.fetch === null) return stay(replica);
  const after = fetchedUpTo(office.fetch);
  const message: Fetch = { kind: "fetch", term: office.term, after };
  const asked = { ...office, fetch: { ...office.fetch, sentMs: nowMs } };
  return emit(
    { ...replica, office: asked },
    { kind: "send", to: office.fetch.from, message, after: "durable" },
  );
}

function fetchedUpTo({ entries, base }: NonNullable<Office["fetch"]>): Position {
  const newest = entries.at(-1);
  if (newest === undefined) return base;
  return { index: newest.index, term: newest.term, hash: newest.hash };
}

export function onFetched(replica: Replica, from: Boot, { term, after, entries }: Fetched): Step {
  const { office } = replica;
  if (office?.stage !== "fetching" || office.fetch === null) return stay(replica);
  if (office.term !== term || office.fetch.from.bootKey !== from.bootKey) return stay(replica);
  if (fetchedUpTo(office.fetch).hash !== after.hash) return stay(replica);
  const { target } = office.fetch;
  const last = entries.at(-1);
  if (last === undefined) return stay(setAsideFetched(replica));
  const fetch = { ...office.fetch, entries: [...office.fetch.entries, ...entries] };
  const more = { ...replica, office: { ...office, fetch } };
  if (last.index < target.index) return ask(more);
  return last.hash === target.hash
    ? stay({ ...more, office: { ...more.office, stage: "gathering" } })
    : stay(setAsideFetched(more));
}

export function onFetchFailed(replica: Replica, from: Boot, { term }: FetchFailed): Step {
  const { office } = replica;
  if (office?.stage !== "fetching" || office.term !== term) return stay(replica);
  if (office.fetch?.from.bootKey !== from.bootKey) return stay(replica);
  const later = laterBase(replica, office.fetch);
  if (later === null) return stay(setAsideFetched(replica));
  return ask({ ...replica, office: { ...office, fetch: { ...office.fetch, base: later } } });
}

/**
 * The holder has compacted what follows this replica's commit index. What it said to be committed it
 * still has, and this replica may hold as much without knowing it to be committed.
 */
function laterBase(
  { office, log }: Replica,
  { from, base, entries }: NonNullable<Office["fetch"]>,
): Position | null {
  const known = office?.promises.get(from.bootKey)?.made.commitIndex ?? 0;
  const later = positionAt(log, Math.min(known, log.last.index));
  return entries.length === 0 && later !== null && later.index > base.index ? later : null;
}

/** A log that cannot be fetched any more is left out, if a quorum remains without its promise. */
export function setAsideFetched(replica: Replica): Replica {
  const { office } = replica;
  if (office?.stage !== "fetching" || office.fetch === null) return replica;
  const setAside = new Map(office.setAside).set(office.fetch.from.bootKey, replica.nowMs);
  const again: Office = { ...office, stage: "gathering", fetch: null, setAside };
  return { ...replica, office: again };
}

/** Messages get lost, and holders come back: what was set aside for long is tried again. */
export function takeUpSetAside(replica: Replica): Replica {
  const { office, nowMs, setup } = replica;
  if (office === null || office.setAside.size === 0) return replica;
  const standing = [...office.setAside].filter(
    ([, sinceMs]) => nowMs - sinceMs < setup.suspectAfterMs * setAsidePatience,
  );
  if (standing.length === office.setAside.size) return replica;
  return { ...replica, office: { ...office, setAside: new Map(standing) } };
}

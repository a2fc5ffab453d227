/** protocol.md, section 3: what is kept, and how the log is made. Who speaks for whom: seats. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type Body, makeEntry, readEntry } from "../../../../node/src/consensus/entry.ts";
import { hash, noHash, term } from "../../../../node/src/consensus/ids.ts";
import { emptyFrontier, extend } from "../../../../node/src/consensus/merkle.ts";
import { boot } from "../../../../node/src/consensus/replica.ts";
import { validBoot } from "../../../../node/src/consensus/seats.ts";
import { sha256Tree } from "../../../../node/src/storage/digest.ts";
import {
  bootOf,
  command,
  messagesOf,
  nothing,
  ofKind,
  propose,
  rosterOfBoots,
  setupOf,
  sha256,
  viewOf,
} from "../support.ts";
import { serving, setCluster } from "./cluster.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const roster = rosterOfBoots([a, b, c]);

test("3.1 a promise does not leave before it is durable", () => {
  const cluster = setCluster([a, b, c]);
  cluster.holdDisk(b);
  cluster.show(viewOf(roster, 1, a));
  cluster.deliver();
  expect(cluster.replica(b).promised?.term).toBe(1);
  expect(cluster.replica(a).office?.promises.has(b.bootKey)).toBe(false);
  cluster.releaseDisk(b);
  cluster.deliver();
  expect(cluster.replica(a).office?.promises.has(b.bootKey)).toBe(true);
});

test("3.1 an ack does not leave before its entries are durable", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(c);
  cluster.holdDisk(b);
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(b).log.last.index).toBe(2);
  expect(cluster.replica(a).commitIndex).toBe(1);
  cluster.releaseDisk(b);
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(2);
});

test("3.1 word of a snapshot does not leave before it is durable", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0 });
  cluster.cut(c);
  cluster.take(a, propose(1, 2));
  cluster.deliver();
  cluster.take(a, { kind: "state-captured", index: 3, state: Uint8Array.of(7) });
  cluster.mend(c);
  cluster.holdDisk(c);
  const heldBy = () => cluster.replica(a).office?.progress.get(c.bootKey)?.matchIndex;
  cluster.pass(100);
  expect(cluster.replica(c).snapshot?.at.index).toBe(3);
  expect(heldBy()).toBe(1);
  cluster.releaseDisk(c);
  cluster.deliver();
  expect(heldBy()).toBe(3);
});

test("3.1 a restart remembers promise, log and snapshot, and nothing else", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, propose(1, 2));
  cluster.deliver();
  cluster.take(a, { kind: "state-captured", index: 2, state: Uint8Array.of(7) });
  const { promised, snapshot, log } = cluster.replica(a);
  const again = boot(setupOf(bootOf(0, 2)), cluster.crash(a), 0);
  expect(again).toMatchObject({ promised, snapshot, log: { last: log.last } });
  const forgot = { status: "recovering", view: null, following: null, office: null } as const;
  expect(again).toMatchObject({ ...forgot, registered: false, commitIndex: 2 });
  expect(again.peers.size).toBe(0);
});

const checkpoint = { coldTerm: term(0), index: 1, logRoot: noHash, stateHash: noHash };
const bodies: readonly Body[] = [
  { kind: "term-start", roster, cold: true },
  { kind: "rejoin", ...bootOf(1, 2) },
  command(1, 2, 3),
  { kind: "mark" },
  { kind: "checkpoint", checkpoint },
];

test.each(bodies)("3.2 the hash of a $kind covers the hash before it and its bytes", (body) => {
  const previous = hash("5a".repeat(32));
  const draft = { index: 7, term: term(3), timeMs: 1_000 };
  const entry = makeEntry(draft, body, previous, sha256);
  const both = Buffer.concat([Buffer.from(previous, "hex"), entry.bytes]);
  expect(entry.hash).toBe(createHash("sha256").update(both).digest("hex"));
  expect(readEntry(entry.bytes, previous, sha256)).toEqual(entry);
});

test("3.2 the bytes that are hashed are the bytes that are sent and stored", () => {
  const cluster = serving([a, b, c]);
  const effects = cluster.take(a, propose(9));
  const [sent] = messagesOf(effects, "append", b);
  const [write] = ofKind(effects, "persist")[0]?.writes ?? [];
  const own = cluster.replica(a).log.shared.at(-1);
  expect(sent?.entries).toEqual([own]);
  expect(write).toEqual({ kind: "entries", after: 1, entries: [own] });
  expect(own?.hash).toBe(sha256(sent?.previous.hash ?? noHash, own?.bytes ?? new Uint8Array()));
});

test("3.6 a snapshot carries who speaks for whom, and the tree over what it replaces", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0 });
  const again = bootOf(1, 2);
  cluster.start(again, cluster.crash(b));
  cluster.deliver();
  const { commitIndex, log } = cluster.replica(a);
  expect(log.shared.at(-1)?.body).toEqual({ kind: "rejoin", ...again });
  const hashes = log.shared.map((entry) => entry.hash);
  cluster.take(a, { kind: "state-captured", index: commitIndex, state: Uint8Array.of(7) });

  const { snapshot } = cluster.replica(a);
  expect(snapshot?.tree).toEqual(extend(emptyFrontier, hashes, sha256Tree));
  const fresh = boot(setupOf(c), { ...nothing, snapshot: snapshot ?? null }, 0);
  expect(fresh.log.shared).toEqual([]);
  expect(validBoot(fresh.seats, roster, b.member)).toBe(again.bootKey);
  expect(fresh.seats.named).toEqual(new Set([a, b, c, again].map(({ bootKey }) => bootKey)));
  expect(fresh.seats.rosters.map(({ roster: { hash: of } }) => of)).toEqual([roster.hash]);
});

test("3.6 a snapshot's fold ends where the snapshot ends", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0 });
  cluster.take(a, propose(1));
  cluster.deliver();
  const again = bootOf(1, 2);
  cluster.start(again, cluster.crash(b));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(3);
  cluster.take(a, { kind: "state-captured", index: 2, state: Uint8Array.of(7) });
  const { snapshot, log } = cluster.replica(a);
  expect(snapshot?.seats.valid.get(b.member)).toBe(b.bootKey);
  const fresh = boot(setupOf(c), { ...nothing, snapshot, entries: log.shared }, 0);
  expect(validBoot(fresh.seats, roster, b.member)).toBe(again.bootKey);
});

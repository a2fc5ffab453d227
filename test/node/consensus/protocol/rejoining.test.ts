/** protocol.md, section 7. */
import { expect, test } from "vitest";
import { term } from "../../../../node/src/consensus/ids.ts";
import { boot } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  appendOf,
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  nothing,
  ofKind,
  prepareOf,
  propose,
  registered,
  restarted,
  rosterOfBoots,
  see,
  setupOf,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const [a2, b2, c2] = [bootOf(0, 2), bootOf(1, 2), bootOf(2, 2)] as const;
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 4, a);
const entries = chain([
  [4, { kind: "term-start", roster, cold: false }],
  [4, command(1)],
]);
const rejoinOf = (one: typeof b2) => ({ kind: "rejoin", ...one }) as const;
const request = { kind: "rejoin-request", term: term(1) } as const;

test("7.1 a recovering boot takes entries", () => {
  const blank = restarted(b2, {}, view, [a]);
  const { replica, effects } = step(blank, hear(a, appendOf(view, { entries })));
  expect(replica).toMatchObject({ status: "recovering", log: { last: lastOf(entries) } });
  expect(messagesOf(effects, "ack", a)).toMatchObject([{ status: "recovering", matchIndex: 2 }]);
});

const ofTerm5 = { term: term(5), leaderBootKey: c.bootKey, rosterHash: roster.hash };

test("7.1 a recovering boot takes nothing from a term below the promise on its disk", () => {
  const later = chain([[5, { kind: "term-start", roster, cold: false }]]);
  for (const [shown, disk] of [
    // Its log holds an entry of that term,
    [view, { promised: ofTerm5, entries: later }],
    // or the contract has shown it.
    [viewOf(roster, 5, c), { promised: ofTerm5 }],
  ] as const) {
    const bound = takeAll(restarted(b2, disk, shown, [a]), [see(view)]).replica;
    const { replica, effects } = step(bound, hear(a, appendOf(view, { entries })));
    expect(messagesOf(effects, "refusal", a)).toMatchObject([{ reason: "higher-term-promised" }]);
    expect(replica.log.last).toEqual(bound.log.last);
  }
});

test("7.1 a void promise makes none durable that is given in its place", () => {
  const cold = { ...viewOf(rosterOfBoots([b2]), 4, b), coldTerm: term(4) };
  const misled = boot(setupOf(b2), { ...nothing, promised: ofTerm5 }, 0);
  const named = step(misled, see(cold)).replica;
  expect(named).toMatchObject({ promised: { term: 4 }, office: { stage: "gathering" } });
  expect(synced(named).replica.office?.stage).toBe("starting");
});

test("7.1 nor does one of the term that its view shows, of another leader or roster", () => {
  const ofTerm4 = { term: term(4), leaderBootKey: c.bootKey, rosterHash: roster.hash };
  const misled = restarted(b2, { promised: ofTerm4 }, view, [a]);
  const { replica } = step(misled, hear(a, appendOf(view, { entries })));
  expect(replica.promised).toMatchObject({ term: 4, leaderBootKey: a.bootKey });
  // A leader's own promise bars the boot that comes after it.
  const leader = restarted(a2, { promised: { ...ofTerm4, leaderBootKey: a.bootKey } }, view, [b]);
  expect(leader.office?.stage).toBe("barred");
});

test("7.1 a promise of a term that neither its first view nor its log knows does not bind it", () => {
  const misled = restarted(b2, { promised: ofTerm5 }, view, [a]);
  const { replica, effects } = step(misled, hear(a, appendOf(view, { entries })));
  expect(messagesOf(effects, "ack", a)).toMatchObject([{ status: "recovering", matchIndex: 2 }]);
  expect(replica.promised).toMatchObject({ term: 4, leaderBootKey: a.bootKey });
});

test("7.2 a recovering boot does not promise", () => {
  const blank = restarted(b2, { entries }, view, [a]);
  const { replica, effects } = step(blank, hear(a, prepareOf(view)));
  expect(messagesOf(effects, "promise")).toEqual([]);
  expect(messagesOf(effects, "refusal", a)).toMatchObject([{ reason: "recovering" }]);
  expect(replica.promised).toBeNull();
});

test("7.2 a recovering boot does not count", () => {
  const cluster = serving([a, b, c]);
  const disk = cluster.crash(b);
  cluster.cut(c);
  cluster.start(b2, disk);
  cluster.take(a, propose(1));
  cluster.pass(300);
  const { log, commitIndex } = cluster.replica(a);
  expect(cluster.replica(b2).log.last).toEqual(log.last);
  expect(commitIndex).toBe(1);
});

test("7.3 a recovering boot asks the active leader to log its key, again until it is there", () => {
  const blank = restarted(b2, {}, view, [a]);
  const word = hear(a, appendOf(view));
  const asked = step(blank, word);
  expect(messagesOf(asked.effects, "rejoin-request", a)).toEqual([
    { kind: "rejoin-request", term: 4 },
  ]);
  const soon = takeAll(asked.replica, [tick(199), word]);
  expect(messagesOf(soon.effects, "rejoin-request")).toEqual([]);
  const again = takeAll(soon.replica, [tick(200), word]);
  expect(messagesOf(again.effects, "rejoin-request", a)).toHaveLength(1);

  const logged = [...entries, ...chain([[4, rejoinOf(b2)]], lastOf(entries))];
  const there = takeAll(again.replica, [tick(500), hear(a, appendOf(view, { entries: logged }))]);
  const later = takeAll(there.replica, [tick(900), word]);
  expect(messagesOf(later.effects, "rejoin-request")).toEqual([]);
});

test("7.3 a leader that is not active is not asked", () => {
  const blank = restarted(b2, {}, view, [a]);
  const { effects } = step(blank, hear(a, appendOf(view, { active: false })));
  expect(messagesOf(effects, "rejoin-request")).toEqual([]);
});

test("7.3 the leader logs the key of the channel that the request came on", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, hear(b2, request));
  expect(cluster.replica(a).log.shared.at(-1)?.body).toEqual(rejoinOf(b2));
});

test("7.3 a leader that restarted logs its own key once it is active", () => {
  const cluster = serving([a, b, c]);
  cluster.start(a2, cluster.crash(a));
  cluster.show(viewOf(roster, 2, a));
  cluster.deliver();
  const bodies = cluster.replica(a2).log.shared.map(({ body }) => body);
  expect(bodies.slice(1)).toEqual([
    { kind: "term-start", roster, cold: false },
    { kind: "rejoin", ...a2 },
  ]);
  expect(cluster.replica(a2).status).toBe("normal");
});

test("7.4 the leader ignores a key that the log has named before", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, hear(b2, request));
  const { last } = cluster.replica(a).log;
  cluster.take(a, hear(b2, request), hear(b, request));
  expect(cluster.replica(a).log.last).toEqual(last);
});

test("7.4 the leader ignores who is not on the roster, and requests of another term", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, hear(d, request), hear(b2, { ...request, term: term(2) }));
  expect(cluster.replica(a).log.last.index).toBe(1);
});

test("7.5 a rejoin is committed by a quorum without that boot", () => {
  const cluster = serving([a, b, c]);
  const disk = cluster.crash(c);
  cluster.cut(b);
  cluster.start(c2, disk);
  cluster.pass(500);
  expect(cluster.replica(c2).seats.named.has(c2.bootKey)).toBe(true);
  expect(cluster.replica(a).commitIndex).toBe(1);
  expect(cluster.replica(c2).status).toBe("recovering");
  cluster.mend(b);
  cluster.pass(200);
  expect(cluster.replica(a).commitIndex).toBe(2);
  expect(cluster.replica(c2).status).toBe("normal");
});

test("7.5 a boot says that it is normal only once its leader has told it of the commit", () => {
  const logged = [...entries, ...chain([[4, rejoinOf(b2)]], lastOf(entries))];
  const word = appendOf(view, { entries: logged, commitIndex: 2 });
  const holding = step(restarted(b2, {}, view, [a]), hear(a, word));
  expect(messagesOf(holding.effects, "ack")).toMatchObject([
    { status: "recovering", matchIndex: 3 },
  ]);
  const previous = lastOf(logged);
  const told = step(holding.replica, hear(a, appendOf(view, { previous, commitIndex: 3 })));
  expect(told.replica.status).toBe("normal");
  expect(messagesOf(told.effects, "ack")).toMatchObject([{ status: "normal" }]);
});

test("7.5 a boot is not normal before it holds the entry, however far the commit index is", () => {
  const early = appendOf(view, { entries, commitIndex: 9 });
  expect(step(restarted(b2, {}, view, [a]), hear(a, early)).replica.status).toBe("recovering");
});

test("7.5 a boot whose rejoin another one's has overtaken is not normal", () => {
  const b3 = bootOf(1, 3);
  const both = chain(
    [
      [4, rejoinOf(b2)],
      [4, rejoinOf(b3)],
    ],
    lastOf(entries),
  );
  const statusAt = (commitIndex: number) => {
    const word = appendOf(view, { entries: [...entries, ...both], commitIndex });
    return step(restarted(b2, {}, view, [a]), hear(a, word)).replica.status;
  };
  expect([3, 4].map(statusAt)).toEqual(["recovering", "recovering"]);
});

test("7.6 a boot that finds itself replaced, committed, ends", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(c);
  cluster.start(c2);
  cluster.pass(500);
  expect(cluster.replica(c2).status).toBe("normal");
  cluster.mend(c);
  cluster.pass(200);
  expect(ofKind(cluster.effects(c), "halt")).toMatchObject([{ reason: "replaced" }]);
});

test("7.6 a rejoin of another boot that is not committed ends nobody", () => {
  const logged = [...entries, ...chain([[4, rejoinOf(c2)]], lastOf(entries))];
  const haltsAt = (commitIndex: number) => {
    const word = appendOf(view, { entries: logged, commitIndex });
    return ofKind(step(registered(c, view, [a]), hear(a, word)).effects, "halt").length;
  };
  expect([1, 2, 3].map(haltsAt)).toEqual([0, 0, 1]);
});

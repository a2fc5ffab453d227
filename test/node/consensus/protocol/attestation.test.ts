/** protocol.md, 2.4, 9.3, 9.9 and 9.10: what follows from boots that attestation refuses, and what does not. */
import { expect, test } from "vitest";
import type { Boot } from "../../../../node/src/consensus/ids.ts";
import type { Input } from "../../../../node/src/consensus/input.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import { bootOf, ofKind, propose, rosterOfBoots, viewOf } from "../support.ts";
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const three = rosterOfBoots([a, b, c]);
const view = viewOf(three, 1, a);

/** All that attestation refuses, by the one who is told. */
const refusing = (...boots: readonly Boot[]): Input => ({
  kind: "attested",
  refused: boots.map(({ bootKey }) => bootKey),
});

function removals(cluster: Cluster, by = a) {
  return ofKind(cluster.effects(by), "remove").map(({ member }) => member);
}

test("2.4 the ack of a boot that the leader refuses counts, as long as it comes", () => {
  const cluster = serving([a, b, c]);
  cluster.crash(c);
  cluster.take(a, refusing(b));
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(2);
});

test("2.4 a follower that refuses its leader's boot acknowledges it all the same", () => {
  const cluster = serving([a, b, c]);
  cluster.crash(c);
  cluster.take(b, refusing(a));
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(2);
});

test("2.4 promises go to a leader that is refused, and count from boots that it refuses", () => {
  const cluster = serving([a, b, c]);
  cluster.crash(c);
  cluster.take(a, refusing(b));
  cluster.take(b, refusing(a));
  cluster.show(viewOf(three, 2, b));
  cluster.deliver();
  expect(cluster.replica(b).office).toMatchObject({ term: 2, stage: "active" });
});

test("2.4 the vote of a member whose boot is refused counts", () => {
  const cluster = serving([a, b, c]);
  cluster.crash(a);
  cluster.take(b, refusing(c));
  cluster.pass(1_200);
  const [asked] = ofKind(cluster.effects(c), "sign-vote");
  const { kind: _, ...signed } = asked ?? expect.unreachable("expected a vote of C's");
  const vote = { kind: "no-confidence", ...signed, signature: "0x00" } as const;
  cluster.take(b, { kind: "received", from: c, message: vote });
  expect(cluster.replica(b).doubt.votes.get(c.member)?.said).toEqual(vote);
});

test("9.3 a member whose boot is refused goes after who asked to, and before who is silent", () => {
  const order = (change: Partial<View>, refused: readonly Boot[], silent: readonly Boot[]) => {
    const cluster = serving([a, b, c, d, bootOf(4)], { removeAfterMs: 3_100 });
    cluster.cut(...silent);
    cluster.pass(3_000);
    cluster.take(a, refusing(...refused));
    const roster = rosterOfBoots([a, b, c, d, bootOf(4)]);
    cluster.show({ ...viewOf(roster, 1, a), ...change });
    cluster.pass(200);
    return removals(cluster);
  };
  expect(order({ departing: [d.member] }, [c], [])).toEqual([d.member]);
  expect(order({}, [d], [b])).toEqual([d.member]);
  expect(order({}, [], [b])).toEqual([b.member]);
});

test("9.3 a member is not removed for a boot that speaks for it no more", () => {
  const cluster = serving([a, b, c]);
  const disk = cluster.crash(c);
  const again = bootOf(2, 2);
  cluster.start(again, disk);
  cluster.pass(500);
  expect(cluster.replica(again).status).toBe("normal");
  cluster.take(a, refusing(c));
  cluster.pass(3_000);
  expect(removals(cluster)).toEqual([]);
  cluster.take(a, refusing(again));
  cluster.pass(200);
  expect(removals(cluster)).toEqual([c.member]);
});

test("9.3 what is refused no longer is forgotten", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, refusing(c));
  cluster.take(a, refusing());
  cluster.pass(3_000);
  expect(removals(cluster)).toEqual([]);
});

test("9.9 a refused boot is not in touch: nobody goes whom the rest would need for a quorum", () => {
  const cluster = serving([a, b, c, d]);
  cluster.take(a, refusing(c, d));
  cluster.pass(800);
  expect(removals(cluster)).toEqual([]);
  cluster.take(a, refusing(d));
  cluster.pass(200);
  expect(removals(cluster)).toEqual([d.member]);
});

test("9.9 a leader that refuses its quorum has lost touch with it", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(300);
  cluster.take(a, refusing(b, c));
  const lastMs = cluster.replica(a).office?.quorumAwakeMs;
  cluster.pass(300);
  expect(cluster.replica(a).office?.quorumAwakeMs).toBe(lastMs);
});

test("9.9 a refused boot is nobody's successor", () => {
  const successorNamedBy = (one: Boot, refused: readonly Boot[]) => {
    const cluster = serving([a, b, c]);
    cluster.crash(a);
    cluster.take(one, refusing(...refused));
    cluster.pass(1_200);
    return ofKind(cluster.effects(one), "sign-vote").map(({ successor }) => successor);
  };
  expect(successorNamedBy(c, [])).toEqual([b.member]);
  expect(successorNamedBy(c, [b])).toEqual([c.member]);
  expect(successorNamedBy(b, [b])).toEqual([c.member]);
});

test("9.9 a pending member is not admitted under a refused boot", () => {
  const cluster = serving([a, b, c]);
  cluster.start(d);
  cluster.take(d, { kind: "registered" });
  cluster.take(a, refusing(d));
  cluster.show({ ...view, pending: [{ slot: 3, id: d.member, bootKey: d.bootKey }] });
  cluster.pass(3_000);
  expect(ofKind(cluster.effects(a), "admit")).toEqual([]);
  cluster.take(a, refusing());
  cluster.pass(200);
  expect(ofKind(cluster.effects(a), "admit")).toMatchObject([{ member: d.member }]);
});

test("9.9 a cold start waits for a refused boot as for a silent one", () => {
  const cluster = serving([a, b, c]);
  const disks = [a, b, c].map((one) => [one, cluster.crash(one)] as const);
  const again = disks.map(([, disk], slot) => [bootOf(slot, 2), disk] as const);
  for (const [one, disk] of again) cluster.start(one, disk);
  const [a2, , c2] = again.map(([one]) => one) as [Boot, Boot, Boot];
  cluster.take(a2, refusing(c2));
  cluster.show(view);
  cluster.pass(5_000);
  expect(ofKind(cluster.effects(a2), "cold-start")).toEqual([]);
  cluster.take(a2, refusing());
  cluster.pass(3_000);
  const bootKeys = again.map(([{ bootKey }]) => bootKey);
  expect(ofKind(cluster.effects(a2), "cold-start")[0]).toMatchObject({ bootKeys });
});

test("9.10 a leader whose own boot is refused hands over, to a member that is not", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(300);
  cluster.take(a, refusing(a, b));
  cluster.pass(100);
  expect(ofKind(cluster.effects(a), "hand-over")).toEqual([
    { kind: "hand-over", term: 1, successor: c.member },
  ]);
});

test("9.10 a leader that the others refuse is voted out, and its successor removes it", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(300);
  // Their doors: what the others refuse does not reach them any more.
  cluster.cut(a);
  for (const one of [b, c]) cluster.take(one, refusing(a));
  cluster.pass(1_200);
  for (const one of [b, c]) {
    expect(ofKind(cluster.effects(one), "sign-vote")).toMatchObject([{ successor: b.member }]);
  }
  cluster.show(viewOf(three, 2, b), b, c);
  cluster.pass(500);
  expect(cluster.replica(b).office).toMatchObject({ term: 2, stage: "active" });
  expect(removals(cluster, b)).toEqual([a.member]);
});

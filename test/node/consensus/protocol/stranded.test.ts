/** protocol.md, 7.1 and 10.15: members that are bound to a term which came to nothing. */
import { expect, test } from "vitest";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import {
  appendOf,
  bootOf,
  chain,
  hear,
  ofKind,
  prepareOf,
  rosterOfBoots,
  see,
  viewOf,
} from "../support.ts";
import { type Cluster, serving, setCluster } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const c2 = bootOf(2, 2);
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 1, a);

/** Its endpoint names it the leader of a term that there is not, and then tells the truth again. */
function misled(one: Boot, inTerm = 900): Cluster {
  const cluster = serving([a, b, c]);
  cluster.take(one, see(viewOf(roster, inTerm, one)));
  cluster.deliver();
  cluster.take(one, see(view));
  return cluster;
}

const halts = (cluster: Cluster, by: Boot) => ofKind(cluster.effects(by), "halt");

test("10.15 a member bound to a term that its view does not show ends, when it has refused the active leader for two suspicion times", () => {
  const cluster = misled(c);
  expect(cluster.replica(c).promised?.term).toBe(900);
  cluster.pass(2_000);
  expect(halts(cluster, c)).toEqual([]);
  cluster.pass(300);
  expect(halts(cluster, c)).toMatchObject([{ reason: "stranded" }]);
});

test("10.15 so does one that is bound to this term under another leader, even one that waits to be a member", () => {
  const cluster = setCluster([a, b, c, d]);
  const first = viewOf(rosterOfBoots([a, b]), 1, a);
  const pending = [{ slot: 3, id: d.member, bootKey: d.bootKey }];
  const takenBack = viewOf(rosterOfBoots([b, d]), 1, b);
  cluster.cut(a);
  cluster.show(takenBack, d);
  cluster.take(d, hear(b, prepareOf(takenBack)));
  cluster.mend(a);
  expect(cluster.replica(d).promised?.leaderBootKey).toBe(b.bootKey);
  cluster.show({ ...first, pending });
  cluster.pass(2_300);
  expect(cluster.replica(a).office?.stage).toBe("active");
  expect(halts(cluster, d)).toMatchObject([{ reason: "stranded" }]);

  const d2 = bootOf(3, 2);
  cluster.start(d2, cluster.crash(d));
  cluster.show({ ...first, pending });
  cluster.pass(500);
  expect(cluster.replica(d2)).toMatchObject({ promised: { leaderBootKey: a.bootKey } });
  expect(cluster.replica(d2).log.last).toEqual(cluster.replica(a).log.last);
});

test("10.15 its next boot rejoins under the same leader, which need not hand over", () => {
  const cluster = misled(c);
  cluster.pass(2_300);
  cluster.start(c2, cluster.crash(c));
  cluster.show(view);
  cluster.pass(12_000);
  expect(cluster.replica(c2)).toMatchObject({ status: "normal", promised: { term: 1 } });
  expect(cluster.replica(a).office?.refusedBy.size).toBe(0);
  expect(ofKind(cluster.effects(a), "hand-over")).toEqual([]);
});

test("10.15 while its endpoint lies it stays, and the leader leads on", () => {
  const cluster = serving([a, b, c]);
  cluster.take(c, see(viewOf(roster, 900, c)));
  cluster.pass(15_000);
  expect(halts(cluster, c)).toEqual([]);
  expect(ofKind(cluster.effects(a), "hand-over")).toEqual([]);
});

test("10.15 a leader that is not active may need the word of who refuses it", () => {
  const cluster = misled(c);
  cluster.cut(a, b);
  for (let ms = 0; ms < 5_000; ms += 100) {
    cluster.pass(100);
    cluster.take(c, hear(a, appendOf(view, { active: false })));
  }
  expect(halts(cluster, c)).toEqual([]);
});

test("10.15 whose log holds an entry of a later term than the leader's waits for a later term", () => {
  const cluster = serving([a, b, c]);
  const takenBack = viewOf(roster, 2, d);
  const { last } = cluster.replica(c).log;
  const entries = chain([[2, { kind: "term-start", roster, cold: false }]], last);
  cluster.take(c, see(takenBack), hear(d, appendOf(takenBack, { previous: last, entries })));
  cluster.deliver();
  cluster.take(c, see(view));
  cluster.pass(9_000);
  expect(halts(cluster, c)).toEqual([]);
});

test("7.1 a promise made by this very boot binds it, whatever it is shown later", () => {
  const cluster = misled(c, 2);
  cluster.take(c, see(viewOf(roster, 2, b)), see(view));
  expect(cluster.replica(c).promised?.term).toBe(term(2));
});

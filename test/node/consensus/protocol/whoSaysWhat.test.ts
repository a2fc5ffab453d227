/** protocol.md, section 2. */
import { expect, test } from "vitest";
import { hash, term } from "../../../../node/src/consensus/ids.ts";
import { type Member, rosterOf } from "../../../../node/src/consensus/roster.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  ackOf,
  bootOf,
  hear,
  messagesOf,
  ofKind,
  propose,
  registered,
  rosterOfBoots,
  sha256,
  takeAll,
  tick,
  viewOf,
  voteOf,
} from "../support.ts";
import { serving, setCluster } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const four = rosterOfBoots([a, b, c, d]);
const view = viewOf(four, 1, a);

const memberAt = (slot: number, { member: id, bootKey } = bootOf(slot)): Member => ({
  slot,
  id,
  bootKey,
});

test("2.1 the roster's hash covers slot, wallet and boot key of each member in slot order", () => {
  const of = (...members: readonly Member[]) => rosterOf(members, sha256).hash;
  const plain = of(memberAt(0), memberAt(1));
  expect(of(memberAt(1), memberAt(0))).toBe(plain);
  const { id, bootKey } = memberAt(2);
  const others = [{ slot: 5 }, { id }, { bootKey }].map((change) =>
    of(memberAt(0), { ...memberAt(1), ...change }),
  );
  expect(new Set([plain, of(memberAt(0)), ...others]).size).toBe(5);
});

test("2.1 whatever else is known of a member stays outside the roster and its hash", () => {
  const known = { ...memberAt(0), endpoint: "https://a.example" };
  const roster = rosterOf([known], sha256);
  expect(roster).toEqual(rosterOf([memberAt(0)], sha256));
});

test("2.2 of four members, two promises are too few and three are enough", () => {
  const cluster = setCluster([a, b, c, d]);
  cluster.cut(c, d);
  cluster.show(view);
  cluster.deliver();
  expect(cluster.replica(a).office).toMatchObject({ stage: "gathering" });
  expect(cluster.replica(a).office?.promises.size).toBe(1);
  cluster.mend(c);
  cluster.pass(100);
  expect(cluster.replica(a).office?.stage).toBe("active");
});

test("2.2 of four members, two that hold an entry are too few and three are enough", () => {
  const cluster = serving([a, b, c, d]);
  cluster.cut(c, d);
  cluster.take(a, propose(1));
  cluster.pass(100);
  expect(cluster.replica(b).log.last.index).toBe(2);
  expect(cluster.replica(a).commitIndex).toBe(1);
  cluster.mend(c);
  cluster.pass(200);
  expect(cluster.replica(a).commitIndex).toBe(2);
});

test("2.2 of four members, two votes are too few and three are enough", () => {
  const member = registered(b, view, [a, c, d]);
  const deadline = 1_700_000_060;
  const doubting = takeAll(member, [tick(2_001), hear(c, voteOf(1, c, deadline))]);
  const own = step(doubting.replica, { kind: "vote-signed", vote: voteOf(1, c, deadline) });
  expect(own.replica.doubt.votes.size).toBe(2);
  expect(ofKind(own.effects, "submit-no-confidence")).toEqual([]);
  const third = step(own.replica, hear(d, voteOf(1, c, deadline)));
  const [submitted] = ofKind(third.effects, "submit-no-confidence");
  expect(submitted?.signatures.map(({ member: id }) => id)).toEqual([b, c, d].map((m) => m.member));
});

test("2.2 of four members, two signatures certify nothing and three do", () => {
  const checkpoint = {
    coldTerm: term(0),
    index: 1,
    logRoot: hash("ab".repeat(32)),
    stateHash: hash("cd".repeat(32)),
  };
  const signed = (signature: string) =>
    ({ kind: "vouch", wanting: false, checkpoint, signature }) as const;
  const member = registered(a, view, [b, c, d]);
  const two = takeAll(member, [hear(b, signed("0x0b")), hear(c, signed("0x0c"))]).replica;
  expect(two.vouched.certificate).toBeNull();
  const three = step(two, hear(d, signed("0x0d"))).replica;
  expect(three.vouched.certificate?.signatures).toHaveLength(3);
});

test("2.3 an ack counts for the boot of the channel that it came on, not for its member", () => {
  const cluster = serving([a, b, c]);
  const impostor = bootOf(1, 2);
  cluster.take(a, { kind: "connected", boot: impostor }, propose(1));
  const ack = ackOf(1, cluster.replica(a).log.last);
  cluster.take(a, hear(impostor, ack));
  expect(cluster.replica(a).commitIndex).toBe(1);
  cluster.take(a, hear(b, ack));
  expect(cluster.replica(a).commitIndex).toBe(2);
});

test("2.3 a boot that restarted is another boot of the same member", () => {
  const cluster = serving([a, b, c]);
  const again = bootOf(1, 2);
  cluster.start(again, cluster.crash(b));
  cluster.deliver();
  const [asked] = messagesOf(cluster.effects(again), "rejoin-request", a);
  expect(asked).toEqual({ kind: "rejoin-request", term: 1 });
  const logged = cluster.replica(a).log.shared.map(({ body }) => body);
  expect(logged).toContainEqual({ kind: "rejoin", ...again });
});

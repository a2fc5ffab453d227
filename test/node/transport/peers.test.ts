import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import { alice, bob, eventually, introduce, startPeer } from "./support.ts";

test("members on each other's roster exchange messages in order", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);

  for (let of = 1; of <= 100; of += 1) {
    a.peers.send(b.boot, { kind: "confidence", term: term(of) });
  }
  await eventually(() => b.messages.length === 100);

  expect(a.connected).toEqual([b.boot]);
  expect(b.connected).toEqual([a.boot]);
  expect(b.messages.map(({ message }) => message.term)).toEqual(
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
  expect(b.messages.every(({ from }) => from.bootKey === a.boot.bootKey)).toBe(true);
});

import { expect, test } from "vitest";
import { entryAt } from "../../node/src/consensus/log.ts";
import type { Process } from "./process.ts";
import { setStage, valueAt } from "./stage.ts";
import { endProcess } from "./world.ts";

const [a, b, c] = [0, 1, 2];

function rejoinsOf(process: Process, of: Process): number {
  const { log } = process.replica();
  let count = 0;
  for (let index = log.before.index + 1; index <= log.last.index; index += 1) {
    const body = entryAt(log, index)?.body;
    if (body?.kind === "rejoin" && body.bootKey === of.boot.bootKey) count += 1;
  }
  return count;
}

// "(1) n=3: A leads t1, cut off; B leads t2, B and C commit x; B and C restart with their disks; A,
// ignorant, sends them t1's entries; cold start: x must survive."
test("what a stale leader sends to restarted members does not cost what a quorum committed", () => {
  const stage = setStage(3);
  expect(stage.increment(a, 1)).toBe(1);
  const mend = stage.part([a], [b, c]);
  const endpoint = stage.world.chain.endpoints[a];
  if (endpoint) endpoint.away = true;
  expect(stage.increment(a, 1_000)).toBeUndefined();
  stage.elect(b);
  stage.until("B is active", () => stage.process(b).replica().office?.stage === "active");
  expect(stage.increment(b, 10)).toBe(11);

  const disks = [b, c].map((slot) => [slot, stage.crash(slot)] as const);
  mend();
  for (const [slot, disk] of disks) stage.start(slot, disk);
  stage.run(50);
  expect(stage.process(a).replica().office?.term).toBe(1);
  if (endpoint) endpoint.away = false;
  stage.untilWell();
  for (const slot of [a, b, c]) expect(stage.read(slot)).toBe(11);
});

// "(4) n=3: two clones of B, the first asks to rejoin again after the second."
test("a boot that was replaced cannot rejoin by asking again", () => {
  const stage = setStage(3);
  const first = stage.process(b);
  const second = stage.clone(b);
  stage.until("the second boot is normal", () => second.replica().status === "normal");
  const third = stage.clone(b);
  stage.until("the third boot is normal", () => third.replica().status === "normal");

  const leader = stage.process(a);
  const { term } = stage.world.chain.head();
  const again = { kind: "rejoin-request", term } as const;
  leader.input({ kind: "received", from: second.boot, message: again });
  leader.input({ kind: "received", from: first.boot, message: again });
  stage.run(20);
  expect(rejoinsOf(leader, second)).toBe(1);
  expect(rejoinsOf(leader, first)).toBe(0);
  expect(leader.replica().seats.valid.get(third.boot.member)).toBe(third.boot.bootKey);
  for (const stale of [first, second]) endProcess(stage.world, stale);
  stage.untilWell();
  expect(stage.increment(b, 1)).toBe(1);
});

// "(5) a cold start whose term-start only a quorum holds, then a leader that lacks it and an older
// clone."
test("a cold start that only a quorum holds commits nothing", () => {
  const stage = setStage(3);
  expect(stage.increment(a, 1)).toBe(1);
  const older = stage.process(b);
  older.pause();
  const clone = stage.clone(b);
  const restarted = stage.start(a, stage.crash(a));
  const laggard = stage.process(c);

  const { chain, network } = stage.world;
  const isCold = () => chain.head().coldTerm === chain.head().term;
  stage.until("a cold start of A2, B2 and C1", isCold);
  const { term } = chain.head();
  stage.until("C1 promises it", () => laggard.replica().promised?.term === term);
  network.cut(a, c);
  stage.until("A2 and B2 hold the cold term-start", () =>
    [restarted, clone].every(({ replica }) => replica().log.last.term === term),
  );
  stage.run(30);
  expect(restarted.replica().office?.stage).not.toBe("active");
  expect([restarted, clone].map(({ replica }) => replica().status)).not.toContain("normal");

  endProcess(stage.world, clone);
  network.cut(c, a);
  older.resume();
  stage.elect(c);
  stage.until("C1 is active with the older clone", () => {
    const { office } = laggard.replica();
    return office?.stage === "active";
  });
  expect(stage.increment(c, 10)).toBe(11);
  network.heal();
  stage.untilWell();
  expect([a, b, c].map((slot) => stage.read(slot))).toEqual([11, 11, 11]);
  expect(valueAt(stage.process(a))).toBe(11);
});

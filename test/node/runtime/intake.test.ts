import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import type { Replica } from "../../../node/src/consensus/replica.ts";
import { batchMax, createIntake } from "../../../node/src/runtime/intake.ts";

const office = { term: term(2), stage: "active", ledSinceMs: 0, sinceMs: 0 };
const leader = { office } as Replica;
const follower = { office: null } as Replica;
const goesOn = { office: { ...office, stage: "starting", sinceMs: 5 } } as Replica;
const none = new Uint8Array();

function open() {
  const log = { underWay: 0 };
  const intake = createIntake({ wallMs: () => 7, uncommitted: () => log.underWay });
  const propose = (count: number) => {
    for (let ticket = 1; ticket <= count; ticket++) intake.propose(ticket, none);
  };
  /** How many commands go to the core now. */
  const taken = (replica: Replica) =>
    intake
      .takeCalls(replica)
      .reduce((sum, each) => sum + (each.kind === "propose" ? each.commands.length : 0), 0);
  return { log, intake, propose, taken };
}

test("a lone command goes at once", () => {
  const { propose, taken } = open();
  propose(1);
  expect(taken(leader)).toBe(1);
  expect(taken(leader)).toBe(0);
});

test("commands wait while more are under way than wait", () => {
  const { log, propose, taken } = open();
  log.underWay = 10;
  propose(9);
  expect(taken(leader)).toBe(0);
  propose(1);
  expect(taken(leader)).toBe(10);
});

test("one turn takes one batch, in the order of the calls", () => {
  const { intake, propose } = open();
  propose(batchMax + 5);
  const [first] = intake.takeCalls(leader);
  const [second] = intake.takeCalls(leader);
  if (first?.kind !== "propose" || second?.kind !== "propose") throw new Error("no commands");
  expect(first.commands).toHaveLength(batchMax);
  expect(second.commands.map(({ ticket }) => ticket)).toEqual(
    [1, 2, 3, 4, 5].map((each) => batchMax + each),
  );
});

test("with two full batches under way, all else waits", () => {
  const { log, propose, taken } = open();
  propose(10 * batchMax);
  log.underWay = 2 * batchMax;
  expect(taken(leader)).toBe(0);
  log.underWay -= 1;
  expect(taken(leader)).toBe(batchMax);
});

test("who does not lead has them declined by the core, not held", () => {
  const { log, propose, taken } = open();
  log.underWay = 10 * batchMax;
  propose(1);
  expect(taken(follower)).toBe(1);
});

test("calls wait while one leader goes on from term to term", () => {
  const { intake, propose, taken } = open();
  propose(3);
  intake.read(4);
  expect(intake.takeCalls(goesOn)).toEqual([]);
  expect(taken(leader)).toBe(3);
});

test("reads become one input, and inputs are taken as they came", () => {
  const { intake } = open();
  intake.read(1);
  intake.read(2);
  expect(intake.takeCalls(leader)).toEqual([{ kind: "read", tickets: [1, 2] }]);
  intake.input({ kind: "registered" });
  intake.input({ kind: "step-down" });
  expect(intake.takeInputs()).toEqual([{ kind: "registered" }, { kind: "step-down" }]);
  expect(intake.takeInputs()).toEqual([]);
});

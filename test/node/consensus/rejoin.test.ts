import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import type { Input } from "../../../node/src/consensus/input.ts";
import { origin } from "../../../node/src/consensus/log.ts";
import type { Append } from "../../../node/src/consensus/message.ts";
import { boot } from "../../../node/src/consensus/replica.ts";
import type { View } from "../../../node/src/consensus/view.ts";
import { bootOf, chain, command, rosterOfBoots, setupOf, takeAll, viewOf } from "./support.ts";

const leader = bootOf(0);
const self = bootOf(1);
const roster = rosterOfBoots([leader, self, bootOf(2)]);
const view: View = { ...viewOf(roster, 4, leader), coldTerm: term(3) };
const blank = boot(setupOf(self), { promised: null, snapshot: null, entries: [] }, 0);
const [termStart, second] = chain([
  [4, { kind: "term-start", roster, cold: false }],
  [4, command(1)],
]);

function append(changes: Partial<Append>): Input {
  const message: Append = {
    kind: "append",
    term: term(4),
    rosterHash: roster.hash,
    previous: origin,
    entries: [],
    commitIndex: 0,
    round: 0,
    active: false,
    ...changes,
  };
  return { kind: "received", from: leader, message };
}

// "Every other boot is `recovering` until it has rejoined": here a cold start that came to nothing
// left this boot's key in the roster, and the log begins after it.
test("a boot that the roster names, but that did not register, waits for the commit", () => {
  const holding = takeAll(blank, [
    { kind: "view", view },
    append({ entries: termStart ? [termStart] : [] }),
  ]);
  expect(holding.replica.log.last.index).toBe(1);
  expect(holding.replica.status).toBe("recovering");

  const told = takeAll(holding.replica, [
    append({
      previous: holding.replica.log.last,
      entries: second ? [second] : [],
      commitIndex: 1,
      active: true,
    }),
  ]);
  expect(told.replica.status).toBe("normal");
});

// "A boot under which its member registered is `normal` from genesis or admission on."
test("a boot that registered is normal as soon as the roster lists it", () => {
  const seen = takeAll(blank, [{ kind: "view", view }]);
  expect(seen.replica.status).toBe("recovering");
  expect(takeAll(seen.replica, [{ kind: "registered" }]).replica.status).toBe("normal");
});

test("a boot that registered, but is not listed, is not normal", () => {
  const others = { ...view, roster: rosterOfBoots([leader, bootOf(1, 2), bootOf(2)]) };
  const seen = takeAll(blank, [{ kind: "registered" }, { kind: "view", view: others }]);
  expect(seen.replica.status).toBe("recovering");
});

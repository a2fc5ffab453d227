/**
 * The attack list, against nodes that run: each attack is refused, the refusal is logged and counted,
 * and the cluster goes on.
 */
import { afterAll, beforeAll, test } from "vitest";
import { increment } from "../../support/clients.ts";
import { type Arena, startArena } from "./arena.ts";
import * as door from "./door.ts";
import * as nodes from "./nodes.ts";
import * as wire from "./wire.ts";

let arena: Arena;

beforeAll(async () => {
  arena = await startArena(20_000);
  await increment(arena.url(0));
}, 180_000);
afterAll(() => arena?.stop(), 60_000);

const attacks: readonly (readonly [string, (arena: Arena) => Promise<void>])[] = [
  ["a peer without a certificate, or with one that is not of a boot key", door.withoutBootKey],
  ["a genuine quote replayed with another boot key", door.replayedQuote],
  ["a quote for another contract on the same chain", door.quoteForAnotherContract],
  ["a member on a machine that its host may debug", door.debuggableMachine],
  ["another tenant's app, of the same image and below the same KMS", door.anotherTenant],
  [
    "a member's wallet with another boot key: a boot that does not count, however genuine",
    wire.anotherBootKey,
  ],
  ["a man in the middle of the peer port, who poses as both ends", wire.posingInTheMiddle],
  ["a man in the middle of the peer port, who changes bits", wire.changingBits],
  ["a registration copied from the mempool, sent for a higher fee", nodes.copiedRegistration],
  [
    "a clone of a member, on a copy of its disk: one of them counts, and the other ends",
    nodes.cloneOfMember,
  ],
  ["a member that restarts with another compose file", nodes.restartWithAnotherImage],
  [
    "a node with another compose file: let in while the contract allows it, and no longer",
    nodes.nodeWithAnotherImage,
  ],
  ["a stale quote, of a boot that had one long ago", door.staleQuote],
];

test.each(attacks)("%s", { timeout: 240_000 }, async (_, attack) => {
  await attack(arena);
});

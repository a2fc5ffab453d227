import { expect, test } from "vitest";
import { bootKey, memberId } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import { enrol } from "../../../node/src/runtime/enrol.ts";
import type { Registration, Standing } from "../../../node/src/runtime/ports.ts";
import { recordingLog } from "../../support/recorders.ts";

const own = bootKey("0b".repeat(32));
const former = bootKey("0f".repeat(32));
const registration: Registration = {
  instanceId: "11".repeat(20),
  bootKey: own,
  quoteHash: `0x${"22".repeat(32)}`,
  endpoint: "http://127.0.0.1:8081",
  peerEndpoint: "127.0.0.1:8181",
};

/** A contract that answers with one standing after the other; the last one stays. */
function enrolWith(standings: readonly Standing[], send: () => Promise<void>) {
  const waiting: (string | null)[] = [];
  const sent: string[] = [];
  const announced: string[] = [];
  let asked = 0;
  const outcome = enrol({
    chain: {
      async standing() {
        const now = standings[Math.min(asked, standings.length - 1)];
        asked += 1;
        if (now === undefined) throw new Error("no standing was arranged");
        return now;
      },
      register(tokenId) {
        sent.push(`register ${tokenId}`);
        return send();
      },
      reregister(key, quoteHash) {
        sent.push(`reregister ${key} ${quoteHash}`);
        return send();
      },
      async announceBoot(key) {
        announced.push(key);
      },
    },
    bootKey: own,
    tokenId: null,
    registration: async () => registration,
    onWaiting: (what) => waiting.push(what),
    log: recordingLog().log,
    signal: new AbortController().signal,
  });
  return { outcome, waiting, sent, announced };
}

const token: Standing = { kind: "token", tokenId: 1n };
const listed = (key: typeof own, waiting: boolean): Standing => ({
  kind: "registered",
  tokenId: 1n,
  bootKey: key,
  waiting,
});
const registered = (key: typeof own) => listed(key, false);
const waits = (key: typeof own) => listed(key, true);
const reregistered = `reregister ${own} ${registration.quoteHash}`;
const mined = () => Promise.resolve();
const lost = () => Promise.reject(new Error("the answer was lost"));
const refused = () => {
  const fault = { code: "chain.reverted", call: "reregister", error: "AlreadyActive(1)" };
  return Promise.reject(new ClusterError(fault, "the contract refused reregister"));
};

test("a process that registers is the boot that the contract lists", async () => {
  expect(await enrolWith([token], mined).outcome).toBe("this-boot");
});

test("a registration that was mined although its answer was lost counts", async () => {
  expect(await enrolWith([token, registered(own)], lost).outcome).toBe("this-boot");
});

test("a restart is announced, and is not the boot that registered", async () => {
  const { outcome, announced } = enrolWith([registered(former)], mined);
  expect(await outcome).toBe("earlier-boot");
  expect(announced).toEqual([own]);
});

test("a boot that a cold start listed did not register: it has forgotten what it said", async () => {
  expect(await enrolWith([registered(own)], mined).outcome).toBe("earlier-boot");
});

test("without a token the node says which wallet needs one, and goes on once it has it", async () => {
  const wallet = memberId(`0x${"a1".repeat(20)}`);
  const { outcome, waiting } = enrolWith([{ kind: "no-token", wallet }, token], mined);
  expect(await outcome).toBe("this-boot");
  expect(waiting).toEqual([
    `a membership token for wallet ${wallet}: mint or assign one to it`,
    null,
  ]);
});

test("a restart that still waits to become a member registers its new boot in its place", async () => {
  const { outcome, sent, announced } = enrolWith([waits(former)], mined);
  expect(await outcome).toBe("this-boot");
  expect({ sent, announced }).toEqual({ sent: [reregistered], announced: [] });
});

test("a new boot that was registered although its answer was lost counts", async () => {
  const { outcome, sent } = enrolWith([waits(former), waits(own)], lost);
  expect(await outcome).toBe("this-boot");
  expect(sent).toEqual([reregistered]);
});

test("a new boot that was admitted before its lost answer was looked for counts, too", async () => {
  expect(await enrolWith([waits(former), registered(own)], lost).outcome).toBe("this-boot");
});

test("a restart that is admitted as it tries is a restart of the boot that was admitted", async () => {
  const { outcome, sent, announced } = enrolWith([waits(former), registered(former)], refused);
  expect(await outcome).toBe("earlier-boot");
  expect({ sent, announced }).toEqual({ sent: [reregistered], announced: [own] });
});

test("a refused registration does not vouch for a boot that a cold start lists", async () => {
  expect(await enrolWith([waits(former), registered(own)], refused).outcome).toBe("earlier-boot");
});

test("a refusal takes nothing back from an earlier try whose answer was lost", async () => {
  const answers = [lost, refused];
  const { outcome } = enrolWith([waits(former), waits(former), registered(own)], () =>
    (answers.shift() ?? mined)(),
  );
  expect(await outcome).toBe("this-boot");
});

test("who was dropped while it tried registers anew with the token that it still has", async () => {
  const answers = [refused, mined];
  const { outcome, sent } = enrolWith([waits(former), token], () => (answers.shift() ?? lost)());
  expect(await outcome).toBe("this-boot");
  expect(sent).toEqual([reregistered, "register 1"]);
});

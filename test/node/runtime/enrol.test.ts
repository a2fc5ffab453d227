import { expect, test } from "vitest";
import { bootKey, memberId } from "../../../node/src/consensus/ids.ts";
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
function enrolWith(standings: readonly Standing[], register: () => Promise<void>) {
  const waiting: (string | null)[] = [];
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
      register,
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
  return { outcome, waiting, announced };
}

const token: Standing = { kind: "token", tokenId: 1n };
const registered = (key: typeof own): Standing => ({
  kind: "registered",
  tokenId: 1n,
  bootKey: key,
});
const mined = () => Promise.resolve();
const lost = () => Promise.reject(new Error("the answer was lost"));

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

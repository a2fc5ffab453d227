/** A boot that a member's agent vouches for, and that claims to hold whatever a leader sends. */
import { onTestFinished } from "vitest";
import type { MemberId } from "../../../node/src/consensus/ids.ts";
import type { Append, Message } from "../../../node/src/consensus/message.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { openPeers } from "../../../node/src/transport/peers.ts";
import { recordingLog } from "../../support/recorders.ts";
import type { Attacker, Contract } from "./attacker.ts";

export type YesSayer = {
  /** Where the leader must find it. */
  readonly port: number;
  /** The greatest index that it claimed to hold. */
  claimed(): number;
};

/** Ends with the test. */
export async function startYesSayer(
  { identity, proof }: Attacker,
  options: {
    readonly of: Contract;
    readonly leader: { readonly member: MemberId; readonly peerEndpoint: string };
  },
): Promise<YesSayer> {
  const { of: cluster, leader } = options;
  let claimed = 0;
  const peers = await openPeers({
    identity,
    cluster,
    self: proof.wallet,
    host: "127.0.0.1",
    port: 0,
    digest: sha256Chain,
    prove: async () => proof,
    // Whom it talks to is not its concern.
    verify: async () => ({
      ...{ composeHash: "", appId: "", instanceId: "", osImageHash: null, deviceId: "" },
      ...{ tcbStatus: "UpToDate", advisoryIds: [] },
    }),
    events: {
      connected: () => undefined,
      disconnected: () => undefined,
      message(from, message) {
        if (message.kind !== "append") return;
        const answer = ackOf(message);
        peers.send(from, answer);
        claimed = Math.max(claimed, answer.matchIndex);
      },
      request: () => Promise.reject(new Error("it takes no requests")),
    },
    log: recordingLog().log,
    count: () => undefined,
  });
  onTestFinished(() => peers.close());
  peers.setRoster([leader]);
  return { port: peers.port, claimed: () => claimed };
}

function ackOf({ term, round, previous, entries }: Append): Extract<Message, { kind: "ack" }> {
  const { index, hash } = entries.at(-1) ?? previous;
  return { kind: "ack", term, status: "normal", matchIndex: index, matchHash: hash, round };
}

/** Where a node is in its life: what it knows of itself by now, and what it waits for. */
import type { BootKey, MemberId } from "../consensus/ids.ts";
import type { Verdicts } from "./attestation.ts";
import type { Member } from "./member.ts";

/** Grows as the node starts; only `compose.ts` writes to it. */
export type Station = {
  readonly bootKey: BootKey;
  readonly endpoint: string;
  readonly version: string;
  readonly startedMs: number;
  identity: { readonly wallet: MemberId; readonly instanceId: string } | null;
  chain: {
    readonly id: number;
    readonly contract: string;
    /** Endpoints that said otherwise than a quorum when last read. */
    readonly disagreeing: () => readonly string[];
  } | null;
  member: Member | null;
  /** What attestation found of other boots. */
  verdicts: Pick<Verdicts, "of"> | null;
  waitingFor: string | null;
  /** Why the others would not accept this boot; null: they would, as far as it knows itself. */
  attestation: string | null;
  stopping: boolean;
};

/** A process that has just begun: whatever the world has to tell is still unknown. */
export function newStation(
  self: Pick<Station, "bootKey" | "endpoint" | "version" | "startedMs">,
): Station {
  return {
    ...self,
    identity: null,
    chain: null,
    member: null,
    verdicts: null,
    waitingFor: "the guest agent",
    attestation: null,
    stopping: false,
  };
}

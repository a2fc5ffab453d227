import type { Digest } from "../consensus/ids.ts";
import type { PeerEvents } from "../runtime/ports.ts";
import type { Door } from "./door.ts";
import type { BootIdentity } from "./identity.ts";
import type { Limits } from "./limits.ts";
import type { Rejections } from "./rejections.ts";

/** What both directions of the peer channel share. */
export type Context = {
  readonly identity: BootIdentity;
  readonly limits: Limits;
  readonly digest: Digest;
  readonly door: Door;
  readonly events: PeerEvents;
  readonly rejections: Rejections;
};

/** A channel unheard for one sweep too many of these was silent for `silenceMs` at least. */
export const sweepsPerSilence = 5;

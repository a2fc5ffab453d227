/** Why a peer, or who claims to be one, is turned away. The reason is the label of the metric. */
export type RejectionReason =
  /** Not a frame, not a message, or not one that belongs on this channel. */
  | "garbage"
  | "oversized"
  /** None, or one whose key is not Ed25519. */
  | "certificate"
  /** A hello for another chain or contract. */
  | "cluster"
  /** A hello that names another key than the channel's: somebody else's. */
  | "replay"
  | "not-a-member"
  /** A member, but not the one that was dialled. */
  | "wrong-member"
  /** The attestation does not vouch for the key. */
  | "proof"
  | "protocol-version"
  /** No handshake or hello in time. */
  | "timeout"
  /** Too many unverified connections; this one made room. */
  | "crowded";

export type Rejection = {
  readonly kind: "rejection";
  readonly reason: RejectionReason;
  /** What was wrong and what was expected; never more than a line. */
  readonly detail: string;
  /** Of a proof: the fault as it was raised, with check, expected and actual value. */
  readonly fault?: unknown;
};

const detailCharactersMax = 200;

export function rejection(reason: RejectionReason, detail: string): Rejection {
  return { kind: "rejection", reason, detail: detail.slice(0, detailCharactersMax) };
}

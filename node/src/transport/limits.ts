/** Bounds on what peers and strangers may cost. Every one of them is overridable for tests. */
export type Limits = {
  /** Of one frame between verified peers. */
  readonly frameBytesMax: number;
  /** Of the first frame: a stranger may send no more. */
  readonly helloBytesMax: number;
  /** For the connection to a peer's address: one that was lost is asked for again sooner than by TCP. */
  readonly connectMs: number;
  /** For a stranger's TLS handshake, and again for its hello. */
  readonly helloMs: number;
  /** For the attestation of a hello. */
  readonly verifyMs: number;
  /** Connections that have not been verified yet. */
  readonly strangersMax: number;
  /** Verified inbound channels of one member: a member's host may run clones without number. */
  readonly bootsPerMemberMax: number;
  /** Unsent bytes of one channel. */
  readonly bufferBytesMax: number;
  /** A channel over which nothing was heard for so long is closed. */
  readonly silenceMs: number;
  /** Unanswered requests of one channel, in each direction. */
  readonly requestsMax: number;
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  /** For what is buffered to leave when closing. */
  readonly closeMs: number;
};

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export const defaultLimits: Limits = {
  frameBytesMax: 8 * mebibyte,
  helloBytesMax: 128 * kibibyte,
  connectMs: 1_500,
  helloMs: 5_000,
  verifyMs: 10_000,
  strangersMax: 64,
  bootsPerMemberMax: 8,
  bufferBytesMax: 16 * mebibyte,
  // Channels are pinged several times meanwhile. What a cut held back, TCP sends again only after as long
  // as the cut had lasted.
  silenceMs: 3_000,
  requestsMax: 4_096,
  redialMsMin: 50,
  redialMsMax: 1_000,
  closeMs: 500,
};

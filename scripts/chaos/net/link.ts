/** What the way from one node to another is like, one direction at a time. */

export type LinkState = {
  /** Nothing passes and nobody is told: bytes wait where a real network would send them again. */
  readonly cut: boolean;
  /** Added to every piece. */
  readonly delayMs: number;
  /** And up to so much more, drawn for each. */
  readonly jitterMs: number;
  /**
   * Probability that a piece is held up as by lost packets: TCP loses no bytes, it sends them again
   * after a time-out that doubles each time.
   */
  readonly loss: number;
  /** `null`: as fast as it goes. */
  readonly bytesPerSecond: number | null;
};

export const openLink: LinkState = {
  cut: false,
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  bytesPerSecond: null,
};

export type Link = {
  state(): LinkState;
  set(state: LinkState): void;
  /** Called after each change. Returns what ends that. */
  onChange(listener: () => void): () => void;
  /** Called before bytes are handed to the receiving end. Returns what ends that. */
  onDelivery(listener: (bytes: number) => void): () => void;
  delivering(bytes: number): void;
};

export function createLink(): Link {
  let current = openLink;
  const changes = new Set<() => void>();
  const deliveries = new Set<(bytes: number) => void>();
  return {
    state: () => current,
    set(state) {
      current = state;
      for (const listener of [...changes]) listener();
    },
    onChange: (listener) => listening(changes, listener),
    onDelivery: (listener) => listening(deliveries, listener),
    delivering(bytes) {
      for (const listener of [...deliveries]) listener(bytes);
    },
  };
}

function listening<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A first retransmission comes after 200 ms (Linux's least), each next after twice as long. */
const retransmitMs = 200;
const retransmissionsMax = 5;

/** How long a piece is held up on a lossy link. @param random 0 ≤ x < 1 */
export function stallMs(loss: number, random: () => number): number {
  let [held, next] = [0, retransmitMs];
  for (let count = 0; count < retransmissionsMax && random() < loss; count += 1) {
    held += next;
    next *= 2;
  }
  return held;
}

import type { Position } from "./log.ts";
import type { Frontier } from "./merkle.ts";
import type { Seats } from "./seats.ts";

/** Everything a replica needs in place of the entries up to `at`. */
export type Snapshot = {
  readonly at: Position;
  /** As of `at`: the table of valid boots and the rosters travel with the state. */
  readonly seats: Seats;
  /** Of the Merkle tree over the entries up to `at`. */
  readonly tree: Frontier;
  /** The application's state, in its own encoding. */
  readonly state: Uint8Array;
};

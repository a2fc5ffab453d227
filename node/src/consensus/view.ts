import type { Anchor } from "./checkpoint.ts";
import type { MemberId, Term } from "./ids.ts";
import type { Member, Roster } from "./roster.ts";

/** What the contract says, read at one block. Believed for liveness; promises carry safety. */
export type View = {
  /** 0 while genesis still collects members. */
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly roster: Roster;
  /** How many members term 1 began with. */
  readonly genesisSize: number;
  /** Term of the last cold start; 0 is "none". */
  readonly coldTerm: Term;
  /** Members revoked by the owner: not to be named successor, and to be removed. */
  readonly revoked: readonly MemberId[];
  /** Members that asked to be removed. */
  readonly departing: readonly MemberId[];
  /** Registered since genesis and not admitted yet, ascending by slot. */
  readonly pending: readonly Member[];
  /** The term has its CONFIRMATIONS blocks: the chain is not expected to take it back. */
  readonly settled: boolean;
  /** The newest checkpoint put on-chain; null while there is none. */
  readonly anchor: Anchor | null;
};

/** What a replica, or the cluster, must never do. Ends the run that found it. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** Which invariant: one of the protocol document's, in a few words. */
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

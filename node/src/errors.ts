/** Could the refused work still take effect? When unsure, it is `indefinite`. */
export type Outcome = "definite" | "indefinite";

/** The world failed an adapter: a code with its data, and a sentence a person can act on. */
export class ClusterError<F extends { readonly code: string }> extends Error {
  override readonly name: string = "ClusterError";
  readonly fault: F;

  constructor(fault: F, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** One counter, one copy: what every history of clients is held against. */
import type { Model, Operation } from "./linearizability.ts";

export type CounterInput =
  | { readonly kind: "increment"; readonly by: number }
  | { readonly kind: "read" };
/** An increment answers with the value after it, a read with the value. */
export type CounterOperation = Operation<CounterInput, number>;

export const counterModel: Model<number, CounterInput, number> = {
  initial: 0,
  apply(value, input, output) {
    const after = input.kind === "increment" ? value + input.by : value;
    return output === null || output === after ? after : null;
  },
  keyOf: (value) => value,
};

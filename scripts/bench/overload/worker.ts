/**
 * A process for one load or one probe, so that neither waits for the other nor for the measuring
 * program. Takes one `Order` from its parent and answers with the result.
 */
import { type ClosedLoopOrder, runClosedLoop } from "./closedLoop.ts";
import { type OpenLoopOrder, runOpenLoop } from "./openLoop.ts";
import { type ProbeOrder, runProbe } from "./probe.ts";

export type Order =
  | { readonly kind: "closed-loop"; readonly order: ClosedLoopOrder }
  | { readonly kind: "open-loop"; readonly order: OpenLoopOrder }
  | { readonly kind: "probe"; readonly order: ProbeOrder };

process.once("message", (order: Order) => {
  carryOut(order).then(
    (result) => process.send?.(result, undefined, undefined, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});

function carryOut({ kind, order }: Order): Promise<unknown> {
  switch (kind) {
    case "closed-loop":
      return runClosedLoop(order);
    case "open-loop":
      return runOpenLoop(order);
    case "probe":
      return runProbe(order);
    default:
      return kind satisfies never;
  }
}

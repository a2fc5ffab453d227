/** A process that runs one errand and reports each run to the process that started it. */
import { type Errand, runErrand } from "./errand.ts";

const errand: Errand = JSON.parse(process.argv[2] ?? "null");
for (const run of runErrand(errand)) {
  await new Promise<void>((resolve) => process.send?.(run, () => resolve()));
}
process.disconnect();

/** Machines of hosts that mean no good: below the same KMS, for its seed is the cluster's. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../support/simulator.ts";
import type { Arena } from "./arena.ts";

type MachineOptions = Pick<SimulatorOptions, "faults" | "args"> & {
  readonly names: readonly string[];
};

/** Ends with the test. */
export async function machine({
  names,
  args = [],
  faults = [],
}: MachineOptions): Promise<Simulator> {
  const instances = names.flatMap((name) => ["--instance", name]);
  const simulator = await startSimulator({ faults, args: [...instances, ...args] });
  onTestFinished(() => simulator.stop());
  return simulator;
}

/** Of an image that the contract does not list. A real KMS would ask it, and give it no keys. */
export async function otherImage(arena: Arena, names: readonly string[]): Promise<Simulator> {
  const file = join(arena.cluster.layout.logDir, "other-compose.json");
  await writeFile(file, '{"manifest_version":2,"name":"another","runner":"docker-compose"}');
  return await machine({ names, args: [...sameApp(arena), "--app-compose", file] });
}

export const nameOf = (arena: Arena, position: number): string =>
  arena.cluster.nodes[position]?.name ?? "";
export const sameApp = ({ cluster }: Arena): readonly string[] => [
  "--app-id",
  cluster.deployment.appId,
];

/** Every kind of fault there is. */
import { chainFaults } from "./chain.ts";
import { diskFaults } from "./disks.ts";
import type { Fault } from "./fault.ts";
import { machineFaults } from "./machines.ts";
import { networkFaults } from "./network.ts";

export const allFaults: readonly Fault[] = [
  ...machineFaults,
  ...diskFaults,
  ...networkFaults,
  ...chainFaults,
];

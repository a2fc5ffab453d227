/** What to start: the options of this start, measured against what the data directory holds. */
import { StartError } from "./failure.ts";
import { isRunning } from "./identity.ts";
import type { Layout } from "./layout.ts";
import { portsOf } from "./ports.ts";
import type { ClusterRecord } from "./record.ts";

/** What was asked for; `undefined` takes what the data directory says, or else the default. */
export type Wishes = {
  readonly nodeCount?: number | undefined;
  readonly basePort?: number | undefined;
  /** `null`: a block per transaction, at once. */
  readonly blockTimeSeconds?: number | null | undefined;
};

export const defaults = { nodeCount: 3, basePort: 8081, blockTimeSeconds: null } as const;

/** The record to start from, on a data directory that nothing runs on. */
export function planCluster(
  wishes: Wishes,
  held: ClusterRecord | null,
  layout: Layout,
): Omit<ClusterRecord, "socketDir"> {
  const nodeCount = wishes.nodeCount ?? held?.nodeCount ?? defaults.nodeCount;
  const basePort = wishes.basePort ?? held?.basePort ?? defaults.basePort;
  const deployed = held?.deployment ?? null;
  if (held !== null && deployed !== null) requireSame(held, { nodeCount, basePort }, layout);
  const { blockTimeSeconds = held?.blockTimeSeconds ?? defaults.blockTimeSeconds } = wishes;
  return {
    format: 1,
    nodeCount,
    basePort,
    blockTimeSeconds,
    ports: portsOf(basePort, nodeCount),
    deployment: deployed,
    supervisor: null,
    processes: [],
  };
}

/** @throws StartError when something still runs on the data directory */
export function requireStopped(held: ClusterRecord | null, layout: Layout): void {
  if (held === null) return;
  const { supervisor } = held;
  if (supervisor !== null && isRunning(supervisor)) {
    throw new StartError(
      `a cluster runs on ${layout.dataDir} already (${supervisor.name}, pid ${supervisor.pid}); ` +
        `${stopCommand(layout)} ends it`,
    );
  }
  const leftOver = held.processes.filter(isRunning);
  if (leftOver.length === 0) return;
  const list = leftOver.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ");
  throw new StartError(
    `an earlier start on ${layout.dataDir} was killed and left behind: ${list}; ` +
      `${stopCommand(layout)} ends them`,
  );
}

/** How a person stops what runs on this directory. */
export function stopCommand(layout: Layout): string {
  const isDefault = layout.dataDir === `${process.cwd()}/.cluster`;
  return isDefault ? "`npm run stop`" : `\`npm run stop -- --data-dir ${layout.dataDir}\``;
}

type Fixed = Pick<ClusterRecord, "nodeCount" | "basePort">;

/** Members and their endpoints are on the chain: a start does not change them. */
function requireSame(held: Fixed, wanted: Fixed, layout: Layout): void {
  if (held.nodeCount !== wanted.nodeCount) {
    throw new StartError(
      `${layout.dataDir} holds a cluster of ${held.nodeCount}, not of ${wanted.nodeCount}: its ` +
        `members are on the chain; use --nodes ${held.nodeCount}, or --fresh to start over`,
    );
  }
  if (held.basePort !== wanted.basePort) {
    throw new StartError(
      `${layout.dataDir} holds a cluster on base port ${held.basePort}, not ${wanted.basePort}: ` +
        `its endpoints are on the chain; use --base-port ${held.basePort}, or --fresh to start over`,
    );
  }
}

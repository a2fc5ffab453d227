/** What to start: the options of this start, measured against what the data directory holds. */
import { StartError } from "./failure.ts";
import { isRunning } from "./identity.ts";
import type { Layout } from "./layout.ts";
import { nodeName } from "./node.ts";
import { firstNumbers } from "./ports.ts";
import type { ClusterRecord, RecordedNode } from "./record.ts";

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
  const basePort = wishes.basePort ?? held?.basePort ?? defaults.basePort;
  const deployed = held?.deployment ?? null;
  const resumed = deployed === null ? null : held;
  if (resumed !== null) requireSame(resumed, { ...wishes, basePort }, layout);
  const nodeCount = wishes.nodeCount ?? held?.nodes.length ?? defaults.nodeCount;
  const nodes = resumed?.nodes ?? newNodes(nodeCount);
  const { blockTimeSeconds = held?.blockTimeSeconds ?? defaults.blockTimeSeconds } = wishes;
  return {
    format: 2,
    nodes,
    lastNumber: resumed?.lastNumber ?? nodeCount,
    basePort,
    blockTimeSeconds,
    deployment: deployed,
    supervisor: null,
    processes: [],
  };
}

function newNodes(count: number): readonly RecordedNode[] {
  return firstNumbers(count).map((number) => ({ number, wallet: null, leaving: false }));
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
  return npmCommand("npm run stop", layout);
}

/** How a person starts, or resumes, a cluster on this directory. */
export function startCommand(layout: Layout): string {
  return npmCommand("npm start", layout);
}

function npmCommand(command: string, layout: Layout): string {
  const isDefault = layout.dataDir === `${process.cwd()}/.cluster`;
  return isDefault ? `\`${command}\`` : `\`${command} -- --data-dir ${layout.dataDir}\``;
}

type Wanted = { readonly nodeCount?: number | undefined; readonly basePort: number };

/** Members and their endpoints are on the chain: a start does not change them. */
function requireSame(held: ClusterRecord, wanted: Wanted, layout: Layout): void {
  const count = held.nodes.length;
  if (wanted.nodeCount !== undefined && wanted.nodeCount !== count) {
    const names = held.nodes.map(({ number }) => nodeName(number)).join(", ");
    throw new StartError(
      `${layout.dataDir} holds a cluster of ${count} (${names}), not of ${wanted.nodeCount}: its ` +
        "members are on the chain; start it as it is, then `npm run join` and `npm run leave` " +
        "change them, or use --fresh to start over",
    );
  }
  if (held.basePort !== wanted.basePort) {
    throw new StartError(
      `${layout.dataDir} holds a cluster on base port ${held.basePort}, not ${wanted.basePort}: ` +
        `its endpoints are on the chain; use --base-port ${held.basePort}, or --fresh to start over`,
    );
  }
}

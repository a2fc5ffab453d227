/** What all steps of one start share; made once everything that can be checked beforehand is. */
import { repairChainState } from "./chainState.ts";
import type { Command } from "./child.ts";
import type { Levers } from "./control/faults.ts";
import { reasonOf, StartError } from "./failure.ts";
import { identityOf } from "./identity.ts";
import {
  createDirectories,
  type Layout,
  layoutOf,
  makeSocketDir,
  removeData,
  removeFarSockets,
} from "./layout.ts";
import { planCluster, requireStopped, type Wishes } from "./plan.ts";
import { portsInUse, portsOf, requireFree } from "./ports.ts";
import { findPrograms, type Programs } from "./programs.ts";
import { type ClusterRecord, numbersIn, readRecord, writeRecord } from "./record.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";

export type ClusterOptions = Wishes & {
  readonly dataDir: string;
  /** Empties the data directory first. */
  readonly fresh?: boolean;
  /** Environment of the nodes, over their defaults: the protocol's knobs. */
  readonly nodeEnvironment?: Readonly<Record<string, string>>;
  /** Changes what a node's process is started with: proxies in its path, a preload. */
  readonly adaptNode?: AdaptNode;
  /** What can be done to the nodes by hand, where `adaptNode` has put it in their path. */
  readonly levers?: Levers | undefined;
  /** A path of anvil, instead of the one from npm. */
  readonly anvil?: string | undefined;
  /** Lines for a person: progress, and what ended by itself. */
  readonly report?: (line: string) => void;
};

/** @param number of the node: node1 has number 1 */
export type AdaptNode = (number: number, command: Command) => Command;

export type Context = {
  readonly layout: Layout;
  readonly programs: Programs;
  readonly nodeEnvironment: Readonly<Record<string, string>>;
  readonly adaptNode: AdaptNode;
  /** `null`: nothing is in the nodes' path. */
  readonly levers: Levers | null;
  readonly supervisor: Supervisor;
  readonly report: (line: string) => void;
  record(): ClusterRecord;
  /** Merges into the record and writes it; writes are carried out in order. */
  update(change: Partial<ClusterRecord>): Promise<void>;
};

/**
 * Checks everything, then makes the directories and claims them. Starts nothing.
 *
 * @throws StartError
 */
export async function prepare(options: ClusterOptions): Promise<Context> {
  const { fresh = false, report = () => undefined, nodeEnvironment = {} } = options;
  const { adaptNode = (_, command) => command, levers = null } = options;
  const layout = layoutOf(options.dataDir);
  const programs = findPrograms(options.anvil);
  const held = fresh ? readLeniently(layout) : readRecord(layout.record);
  requireStopped(held, layout);
  const plan = planCluster(options, fresh ? null : held, layout);
  const ports = portsOf(plan.basePort, numbersIn(plan));
  await requireFree(portsInUse(ports), "free them, or choose another --base-port");
  if (fresh) removeData(layout);

  // A start that was killed has left its own.
  if (held !== null) removeFarSockets(held.socketDir);
  await createDirectories(layout);
  const repaired = repairChainState(layout.chainState);
  if (repaired !== null) report(`chain: ${repaired}`);
  const socketDir = await makeSocketDir(layout);
  const self = identityOf(process.pid);
  const supervisedBy = self === null ? null : { name: "starter", ...self };
  const { record, update } = await keepRecord(layout, {
    ...plan,
    socketDir,
    supervisor: supervisedBy,
  });
  const supervisor = createSupervisor({
    changed: () => {
      update({ processes: supervisor.processes() }).catch((error: unknown) =>
        report(`cannot write ${layout.record}: ${reasonOf(error)}`),
      );
    },
    report,
  });
  const passedOn = { nodeEnvironment, adaptNode, levers, report };
  return { layout, programs, supervisor, record, update, ...passedOn };
}

async function keepRecord(
  layout: Layout,
  first: ClusterRecord,
): Promise<Pick<Context, "record" | "update">> {
  let current = first;
  await writeRecord(layout.record, current);
  let writing = Promise.resolve();
  return {
    record: () => current,
    update(change) {
      current = { ...current, ...change };
      // One failed write does not stop the next, which holds all that this one did.
      writing = writing.catch(() => undefined).then(() => writeRecord(layout.record, current));
      return writing;
    },
  };
}

/** `--fresh` gives up the record, even a damaged one, but not what it says still runs. */
function readLeniently(layout: Layout): ClusterRecord | null {
  try {
    return readRecord(layout.record);
  } catch (error) {
    if (error instanceof StartError) return null;
    throw error;
  }
}

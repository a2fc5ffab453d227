/** A cluster of processes, as it can be seen from outside. */
import { existsSync, readFileSync } from "node:fs";
import { rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import { headOf } from "../../chaos/local/chain.ts";
import { requestNotes } from "../../cluster/control/client.ts";
import type { Note } from "../../cluster/control/words.ts";
import { isRunning } from "../../cluster/identity.ts";
import { guestSocket, type Layout } from "../../cluster/layout.ts";
import { nodeName, nodeUrl, rpcUrlOf } from "../../cluster/node.ts";
import type { ClusterRecord } from "../../cluster/record.ts";
import { agentlessMark, lookAtNode, type NodeSight, type Sight } from "../sight.ts";

const chainTimeoutMs = 2_000;

export async function lookAt(layout: Layout, record: ClusterRecord): Promise<Sight> {
  // A starter that starts or stops takes no requests: nothing is broken by hand then.
  const notes = await requestNotes(layout).catch(() => []);
  const [nodes, head] = await Promise.all([
    Promise.all(record.nodes.map(({ number }) => lookAtNode(seenOf(record, number, notes)))),
    headOf(rpcEndpoint(rpcUrlOf(record.basePort), 0, chainTimeoutMs)).catch(() => null),
  ]);
  return { nodes, head };
}

function seenOf(record: ClusterRecord, number: number, notes: readonly Note[]) {
  const own = notes.filter((note) => note.number === number);
  return {
    number,
    url: nodeUrl(record.basePort, number),
    process: processOf(record, nodeName(number)),
    marks: [...(hasAgent(record, number) ? [] : [agentlessMark]), ...own],
  };
}

function processOf({ processes }: ClusterRecord, name: string): NodeSight["process"] {
  const process = processes.find((each) => each.name === name);
  if (process === undefined || !isRunning(process)) return "down";
  return isStopped(process.pid) ? "paused" : "runs";
}

/** Where the system does not say, its node is asked, and does not answer. */
function isStopped(pid: number): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function hasAgent({ socketDir, processes }: ClusterRecord, number: number): boolean {
  const served = processes.some(
    (process) => /^(?:simulator|agent\d+)$/.test(process.name) && isRunning(process),
  );
  return served && existsSync(guestSocket(socketDir, nodeName(number)));
}

/**
 * A proxy in the path between the nodes.
 *
 * Nodes advertise the same endpoints with it and without it, for those are on the chain: the proxy
 * listens there, and each node on another port behind it.
 */
import { ownerOf } from "../../chaos/net/owner.ts";
import { startPeerProxy } from "../../chaos/net/peerProxy.ts";
import type { Command } from "../../cluster/child.ts";
import { cloneName } from "../../cluster/control/faults.ts";
import type { Mark } from "../../cluster/control/words.ts";
import { nodeName } from "../../cluster/node.ts";
import { host, nodePortsOf } from "../../cluster/ports.ts";
import type { ClusterRecord } from "../../cluster/record.ts";
import { createLinkFaults, type LinkFaults } from "./linkFaults.ts";

export type Links = {
  /** From its start on, the node is behind the proxy. */
  adapt(number: number, command: Command): Command;
  change(how: (faults: LinkFaults) => void): void;
  mend(): void;
  marksOn(number: number): readonly Mark[];
  close(): Promise<void>;
};

/** Beyond the peer ports of all numbers that are ever given. */
const behindOffset = 100;
/** And beyond these. */
const cloneOffset = 200;

/**
 * @param recordNow the cluster's record, from the first node's start on
 * @param complain told when the proxy cannot listen
 */
export async function openLinks(
  recordNow: () => ClusterRecord,
  complain: (number: number, error: unknown) => void,
): Promise<Links> {
  const inPath = new Set<number>();
  const faults = createLinkFaults();
  let turn = 0;
  const proxy = await startPeerProxy({
    host,
    count: 0,
    listensAt: (position) => listensAt(position + 1),
    dialler: (ports) => diallerOf(ports, recordNow()),
  });

  /** Every second connection to a node with a clone reaches the clone. */
  function listensAt(number: number): number {
    const { basePort, processes } = recordNow();
    const { peer } = nodePortsOf(basePort, number);
    const hasClone = processes.some(({ name }) => name === cloneName(number));
    turn += 1;
    return hasClone && turn % 2 === 0 ? clonePeerPort(basePort, number) : peer + behindOffset;
  }

  function change(how: (faults: LinkFaults) => void): void {
    how(faults);
    for (const from of inPath) {
      for (const to of inPath) {
        const link = proxy.link(from - 1, to - 1);
        link.set({ ...link.state(), ...faults.between(from, to) });
      }
    }
  }

  return {
    adapt(number, command) {
      const port = nodePortsOf(recordNow().basePort, number).peer;
      if (!inPath.has(number)) {
        inPath.add(number);
        // Only now has the launcher found the port free.
        proxy.open(number - 1, port).catch((error: unknown) => complain(number, error));
        change(() => undefined);
      }
      return { ...command, env: { ...command.env, PEER_PORT: String(port + behindOffset) } };
    },
    change,
    mend: () => change((each) => each.mend()),
    marksOn: faults.marksOn,
    close: () => proxy.close(),
  };
}

export function clonePeerPort(basePort: number, number: number): number {
  return nodePortsOf(basePort, number).peer + cloneOffset;
}

/** By the record rather than the supervisor, which nobody can ask before the cluster has started. */
function diallerOf(
  ports: { readonly local: number; readonly remote: number },
  { nodes, processes }: ClusterRecord,
): number | null {
  const positions = new Map<number, number>();
  for (const { number } of nodes) {
    const names = [nodeName(number), cloneName(number)];
    const own = processes.filter(({ name }) => names.includes(name));
    for (const { pid } of own) positions.set(pid, number - 1);
  }
  const pid = ownerOf(ports, positions.keys());
  return pid === null ? null : (positions.get(pid) ?? null);
}

/**
 * `npm start -- --faults`: a proxy in the path between the nodes.
 *
 * Nodes advertise the same endpoints with it and without it, for those are on the chain: the proxy
 * listens there, and each node on another port behind it.
 */
import { ownerOf, ownersAreKnown } from "../chaos/net/owner.ts";
import { type PeerProxy, startPeerProxy } from "../chaos/net/peerProxy.ts";
import type { Command } from "../cluster/child.ts";
import type { AdaptNode } from "../cluster/context.ts";
import type { NetworkFaults } from "../cluster/control/faults.ts";
import { reasonOf, StartError } from "../cluster/failure.ts";
import type { Layout } from "../cluster/layout.ts";
import { nodeName } from "../cluster/node.ts";
import { host, nodePortsOf } from "../cluster/ports.ts";
import { type ClusterRecord, readRecord } from "../cluster/record.ts";

export type FaultyNetwork = {
  readonly adaptNode: AdaptNode;
  readonly networkFaults: NetworkFaults;
  close(): Promise<void>;
};

/** Beyond the peer ports of all numbers that are ever given. */
const behindOffset = 100;

/**
 * @param complain told when the proxy cannot listen
 * @throws StartError where it cannot be told which node dials
 */
export function faultyNetwork(layout: Layout, complain: (line: string) => void): FaultyNetwork {
  if (!ownersAreKnown) throw new StartError("--faults needs Linux: its /proc says who dials");
  const inPath = new Set<number>();
  let cutOff: readonly number[] = [];
  const opening = startPeerProxy({
    host,
    count: 0,
    listensAt: (position) => nodePortsOf(basePortOf(layout), position + 1).peer + behindOffset,
    dialler: (ports) => diallerOf(ports, readRecord(layout.record)),
  });
  let proxy: PeerProxy | null = null;

  /** Only once the launcher has found the port free, which is before its node starts. */
  async function stand(number: number): Promise<void> {
    proxy = await opening;
    await proxy.open(number - 1, nodePortsOf(basePortOf(layout), number).peer);
    setLinks();
  }

  function setLinks(): void {
    for (const from of inPath) {
      for (const to of inPath) {
        const link = proxy?.link(from - 1, to - 1);
        link?.set({ ...link.state(), cut: cutOff.includes(from) !== cutOff.includes(to) });
      }
    }
  }

  return {
    adaptNode(number, command) {
      if (!inPath.has(number)) {
        inPath.add(number);
        stand(number).catch((error: unknown) =>
          complain(`no proxy stands before ${nodeName(number)}: ${reasonOf(error)}`),
        );
      }
      return behindProxy(number, command, basePortOf(layout));
    },
    networkFaults: {
      partition(numbers) {
        cutOff = numbers;
        setLinks();
      },
      mend() {
        cutOff = [];
        setLinks();
      },
    },
    close: async () => (await opening).close(),
  };
}

function basePortOf(layout: Layout): number {
  const record = readRecord(layout.record);
  if (record === null) throw new StartError(`there is no record in ${layout.dataDir}`);
  return record.basePort;
}

function behindProxy(number: number, command: Command, basePort: number): Command {
  const port = nodePortsOf(basePort, number).peer + behindOffset;
  return { ...command, env: { ...command.env, PEER_PORT: String(port) } };
}

function diallerOf(
  ports: { readonly local: number; readonly remote: number },
  record: ClusterRecord | null,
): number | null {
  const positions = new Map<number, number>();
  for (const { name, pid } of record?.processes ?? []) {
    const [, number] = /^node(\d+)$/.exec(name) ?? [];
    if (number !== undefined) positions.set(pid, Number(number) - 1);
  }
  const pid = ownerOf(ports, positions.keys());
  return pid === null ? null : (positions.get(pid) ?? null);
}

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
import { ChangeError, reasonOf, StartError } from "../cluster/failure.ts";
import type { Layout } from "../cluster/layout.ts";
import { nodeName } from "../cluster/node.ts";
import { host, nodePortsOf } from "../cluster/ports.ts";
import { type ClusterRecord, numbersIn, readRecord } from "../cluster/record.ts";

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
  let path: Path | null = null;
  return {
    adaptNode(number, command) {
      path ??= openPath(layout, complain);
      return path.numbers.includes(number) ? behindProxy(number, command, path) : command;
    },
    networkFaults: {
      partition: (numbers) => partition(path, numbers),
      mend: () => setLinks(path, () => false),
    },
    close: async () => (await path?.proxy)?.close(),
  };
}

type Path = {
  readonly proxy: Promise<PeerProxy | null>;
  /** Once it listens. */
  opened: PeerProxy | null;
  readonly basePort: number;
  /** Of the nodes whose connections lead through it. */
  readonly numbers: readonly number[];
};

/** Only once the launcher has found the ports free, which is before the first node starts. */
function openPath(layout: Layout, complain: (line: string) => void): Path {
  const record = readRecord(layout.record);
  if (record === null) throw new StartError(`there is no record in ${layout.dataDir}`);
  const { basePort, lastNumber } = record;
  const numbers = numbersIn(record);
  const opening = startPeerProxy({
    host,
    count: lastNumber,
    ports: Array.from({ length: lastNumber }, (_, at) =>
      numbers.includes(at + 1) ? nodePortsOf(basePort, at + 1).peer : 0,
    ),
    listensAt: (position) => nodePortsOf(basePort, position + 1).peer + behindOffset,
    dialler: (ports) => diallerOf(ports, readRecord(layout.record)),
  });
  const path: Path = {
    proxy: opening.catch((error: unknown) => {
      complain(`--faults: the proxy between the nodes cannot listen: ${reasonOf(error)}`);
      return null;
    }),
    opened: null,
    basePort,
    numbers,
  };
  void path.proxy.then((proxy) => {
    path.opened = proxy;
  });
  return path;
}

function behindProxy(number: number, command: Command, { basePort }: Path): Command {
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

function partition(path: Path | null, numbers: readonly number[]): void {
  const stranger = numbers.find((number) => path?.numbers.includes(number) !== true);
  if (stranger !== undefined) {
    throw new ChangeError(
      `${nodeName(stranger)} joined after the start, and no proxy is in its path; stop the ` +
        "cluster and start it again with --faults",
    );
  }
  setLinks(path, (from, to) => numbers.includes(from) !== numbers.includes(to));
}

function setLinks(path: Path | null, isCut: (from: number, to: number) => boolean): void {
  if (path === null || path.opened === null) return;
  const { opened, numbers } = path;
  for (const from of numbers) {
    for (const to of numbers) {
      const link = opened.link(from - 1, to - 1);
      link.set({ ...link.state(), cut: isCut(from, to) });
    }
  }
}

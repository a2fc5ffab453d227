/** The cluster that `npm start` runs: what is done to it, is done by its starter or on its disks. */
import { rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import { openHandOver } from "../../chaos/local/handOver.ts";
import { recordOfRunning, requestChange } from "../../cluster/control/client.ts";
import { cloneName } from "../../cluster/control/faults.ts";
import type { FaultRequest } from "../../cluster/control/words.ts";
import { ChangeError } from "../../cluster/failure.ts";
import { guestSocket, type Layout } from "../../cluster/layout.ts";
import { nodeName, rpcUrlOf } from "../../cluster/node.ts";
import type { ClusterRecord } from "../../cluster/record.ts";
import type { Breakable, ChainFaults, CloneFaults } from "../breakable.ts";
import { blocksOf } from "../chain.ts";
import { cloneDisk } from "../levers/levers.ts";
import { localAgents } from "./agents.ts";
import { copyDisk, localDisks } from "./disks.ts";
import { lookAt } from "./sight.ts";

type Say = (line: string) => void;
type Ask = (request: FaultRequest) => Promise<void>;

const rpcTimeoutMs = 10_000;

/** @throws ChangeError naming how to start a cluster, where none runs on the data directory */
export function openProcesses(layout: Layout, say: Say): Breakable {
  const record = recordOfRunning(layout);
  const ask: Ask = (request) => requestChange(layout, request, say);
  const order = (act: "kill" | "start" | "pause" | "resume") => (number: number) =>
    ask({ kind: "node-fault", act, number });
  return {
    look: () => lookAt(layout, recordOfRunning(layout)),
    nodes: {
      kill: order("kill"),
      start: order("start"),
      pause: order("pause"),
      resume: order("resume"),
    },
    clones: localClones(layout, ask),
    disks: localDisks(layout, say),
    chain: localChain(record, ask),
    agents: localAgents({ record, ask, say }),
    pull: ask,
    letGo: () => ask({ kind: "part-fault", act: "let-go" }),
    async handOver({ number }, { url }) {
      const petition = await openHandOver({
        endpoint: guestSocket(record.socketDir, nodeName(number)),
        rpcUrl: rpcUrlOf(record.basePort),
        contract: contractOf(record),
      });
      await petition(url);
    },
  };
}

function localClones(layout: Layout, ask: Ask): CloneFaults {
  const runs = (number: number) =>
    recordOfRunning(layout).processes.some(({ name }) => name === cloneName(number));
  return {
    async prepare(number) {
      if (runs(number)) throw new ChangeError(`${cloneName(number)} runs already; heal ends it`);
      await copyDisk(layout.nodeDir(nodeName(number)), cloneDisk(layout, number));
    },
    start: (number) => ask({ kind: "node-fault", act: "clone", number }),
    async endAll() {
      for (const { number } of recordOfRunning(layout).nodes.filter((node) => runs(node.number))) {
        await ask({ kind: "node-fault", act: "end-clone", number });
      }
    },
  };
}

function localChain(record: ClusterRecord, ask: Ask): ChainFaults {
  return {
    stop: () => ask({ kind: "part-fault", act: "stop-chain" }),
    start: () => ask({ kind: "part-fault", act: "start-chain" }),
    blocks: async () => {
      const rpc = rpcEndpoint(rpcUrlOf(record.basePort), 0, rpcTimeoutMs);
      return blocksOf(rpc, contractOf(record));
    },
    blockTimeSeconds: record.blockTimeSeconds,
  };
}

function contractOf({ deployment }: ClusterRecord): string {
  if (deployment === null) throw new ChangeError("there is no contract yet: the cluster starts");
  return deployment.contract;
}

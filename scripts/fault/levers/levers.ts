/** `npm start -- --faults`: what stands in the nodes' path, and in their processes, to be pulled. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cloneCommand } from "../../chaos/local/clones.ts";
import { ownersAreKnown } from "../../chaos/net/owner.ts";
import type { Command } from "../../cluster/child.ts";
import type { AdaptNode } from "../../cluster/context.ts";
import { cloneName, type Levers } from "../../cluster/control/faults.ts";
import type { LeverRequest } from "../../cluster/control/words.ts";
import { ChangeError, reasonOf, StartError } from "../../cluster/failure.ts";
import type { Layout } from "../../cluster/layout.ts";
import { nodeName, rpcUrlOf } from "../../cluster/node.ts";
import { nodePortsOf } from "../../cluster/ports.ts";
import { type ClusterRecord, readRecord } from "../../cluster/record.ts";
import { signedDuration } from "../duration.ts";
import { type Clocks, createClocks } from "./clocks.ts";
import { type Endpoints, openEndpoints, rpcWords } from "./endpoints.ts";
import { clonePeerPort, type Links, openLinks } from "./links.ts";

export type OpenLevers = {
  readonly adaptNode: AdaptNode;
  readonly levers: Levers;
  /** Once the cluster is stopped. */
  close(): Promise<void>;
};

/** Beyond all ports of a cluster. */
const cloneHttpOffset = 500;

/**
 * @param complain told when a proxy cannot listen
 * @throws StartError where it cannot be told which node dials
 */
export async function openLevers(
  layout: Layout,
  complain: (line: string) => void,
): Promise<OpenLevers> {
  if (!ownersAreKnown) throw new StartError("--faults needs Linux: its /proc says who dials");
  const recordNow = () => recordIn(layout);
  const links = await openLinks(recordNow, (number, error) =>
    complain(`no proxy stands before ${nodeName(number)}: ${reasonOf(error)}`),
  );
  const endpoints = await openEndpoints(() => rpcUrlOf(recordNow().basePort));
  const clocks = createClocks(layout.faultsDir);
  const commands = new Map<number, Command>();
  const parts = [links, endpoints, clocks];
  return {
    adaptNode(number, command) {
      const adapted = parts.reduce((each, part) => part.adapt(number, each), command);
      commands.set(number, adapted);
      return adapted;
    },
    levers: {
      pull: (request) => pull(request, { links, endpoints, clocks }),
      async letGo() {
        for (const part of parts) await part.mend();
      },
      marksOn: (number) => parts.flatMap((part) => part.marksOn(number)),
      clone: (number) => cloneOf(number, { layout, commands, basePort: recordNow().basePort }),
    },
    async close() {
      await Promise.all([links.close(), endpoints.close()]);
      // Only of whoever has started a node: another cluster may run there.
      if (commands.size > 0) await rm(layout.faultsDir, { recursive: true, force: true });
    },
  };
}

type Parts = { readonly links: Links; readonly endpoints: Endpoints; readonly clocks: Clocks };

async function pull(request: LeverRequest, { links, endpoints, clocks }: Parts): Promise<string> {
  const names = request.numbers.map(nodeName).join(", ");
  switch (request.kind) {
    case "partition":
      links.change((faults) => faults.partition(request.numbers, request.oneWay));
      return request.oneWay
        ? `nothing from ${names} reaches the others`
        : `${names} cut off from the others`;
    case "slow":
      links.change((faults) => faults.slow(request.numbers, request.delayMs));
      return `links of ${names}: ${request.delayMs} ms slower`;
    case "lossy":
      links.change((faults) => faults.lossy(request.numbers, request.lossPercent / 100));
      return `links of ${names}: ${request.lossPercent} % lost`;
    case "rpc":
      for (const number of request.numbers) endpoints.set(number, request.behaviour);
      return `RPC endpoint of ${names} ${rpcWords[request.behaviour]}`;
    case "clock":
      for (const number of request.numbers) await clocks.set(number, request.offMs);
      return `clock of ${names} ${request.offMs === 0 ? "right" : signedDuration(request.offMs)}`;
    default:
      return request satisfies never;
  }
}

/** Where a copy is laid for a clone to run on. */
export function cloneDisk(layout: Layout, number: number): string {
  return join(layout.faultsDir, cloneName(number));
}

type Cloning = {
  readonly layout: Layout;
  /** What each node was last started with. */
  readonly commands: ReadonlyMap<number, Command>;
  readonly basePort: number;
};

function cloneOf(number: number, { layout, commands, basePort }: Cloning): Command {
  const dataDir = cloneDisk(layout, number);
  const original = commands.get(number);
  if (original === undefined || !existsSync(dataDir)) {
    throw new ChangeError(`no copy of ${nodeName(number)}'s disk lies in ${dataDir}`);
  }
  const http = nodePortsOf(basePort, number).http + cloneHttpOffset;
  const ports = { http, peer: clonePeerPort(basePort, number) };
  return cloneCommand(original, { ports, dataDir, logFile: layout.log(cloneName(number)) });
}

function recordIn(layout: Layout): ClusterRecord {
  const record = readRecord(layout.record);
  if (record === null) throw new StartError(`there is no record in ${layout.dataDir}`);
  return record;
}

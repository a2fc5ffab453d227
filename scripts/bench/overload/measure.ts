/**
 * Measures a cluster at several times its capacity: what it refuses, what it still does, and
 * whether it stays in touch. Nothing here judges a figure.
 *
 * On one machine, members and generator share the cores: at five times the capacity there is not
 * enough of them to answer everything, so some requests find all connections still waiting and are
 * not sent. An idle server, asked just like the members' status, shows the machine's own share.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import type { Member, Subject } from "../subject.ts";
import { usageOf } from "../usage.ts";
import type { ClosedLoopResult } from "./closedLoop.ts";
import type { OpenLoopResult } from "./openLoop.ts";
import type { ProbeResult } from "./probe.ts";
import { closedLoop, openLoop, probe } from "./workers.ts";

export type OverloadOptions = {
  /** Of the overload. */
  readonly seconds: number;
  /** The load, by the capacity measured before. */
  readonly times: number;
};

export type OverloadFigures = {
  readonly times: number;
  readonly capacity: ClosedLoopResult;
  readonly offeredPerSecond: number;
  readonly load: OpenLoopResult;
  /** How much the counter grew meanwhile, by one for each write. */
  readonly counted: number;
  readonly statusIdle: ProbeResult;
  /** The members' status during the load, in their order. */
  readonly status: ProbeResult;
  readonly idleServer: ProbeResult;
  readonly memory: readonly MemberMemory[];
};

export type MemberMemory = {
  readonly name: string;
  /** Resident: before the load, the most of its first and of its second half. */
  readonly idleMiB: number;
  readonly firstHalfMiB: number;
  readonly secondHalfMiB: number;
};

const warmUp = { connections: 96, seconds: 3 };
const capacityLoad = { connections: 192, seconds: 5 };
const overload = { connections: 4_500, depthMax: 1, timeoutMs: 5_000 };
const statusPerSecond = 20;
const idleSeconds = 2;
const sampleMs = 250;

export async function measureOverload(
  subject: Subject,
  { seconds, times }: OverloadOptions,
): Promise<OverloadFigures> {
  const urls = subject.members.map((_, position) => new URL(subject.write(position).url).origin);
  const counter = subject.linearizableRead(0).url;
  const asking = { perSecond: statusPerSecond, timeoutMs: overload.timeoutMs };
  await closedLoop({ urls, ...warmUp });
  const statusIdle = await probe({ urls, ...asking, seconds: idleSeconds });
  const idle = subject.members.map(rssOf);
  const capacity = await closedLoop({ urls, ...capacityLoad });
  const perSecond = times * capacity.perSecond;
  const before = await readCounter(counter);
  const idleServer = await startIdleServer();
  const samples = sampleMemory(subject.members);
  const [load, status, machine] = await Promise.all([
    openLoop({ urls, perSecond, seconds, ...overload }),
    probe({ urls, ...asking, seconds }),
    probe({ urls: [idleServer.url], ...asking, seconds }),
  ]).finally(idleServer.stop);
  return {
    times,
    capacity,
    offeredPerSecond: perSecond,
    load,
    counted: (await readCounter(counter)) - before,
    statusIdle,
    status,
    idleServer: machine,
    memory: samples.stop().map((row, position) => ({ ...row, idleMiB: idle[position] ?? NaN })),
  };
}

const counterSchema = z.object({ value: z.number() });

async function readCounter(url: string): Promise<number> {
  return counterSchema.parse(await (await fetch(url)).json()).value;
}

function rssOf(member: Member): number {
  return usageOf(member)?.rssMiB ?? Number.NaN;
}

function sampleMemory(members: readonly Member[]) {
  const rows = members.map((member) => ({ member, rssMiB: [] as number[] }));
  const timer = setInterval(() => {
    for (const { member, rssMiB } of rows) rssMiB.push(rssOf(member));
  }, sampleMs);
  return {
    stop() {
      clearInterval(timer);
      return rows.map(({ member, rssMiB }) => {
        const half = Math.ceil(rssMiB.length / 2);
        return {
          name: member.name,
          firstHalfMiB: Math.max(...rssMiB.slice(0, half)),
          secondHalfMiB: Math.max(...rssMiB.slice(half)),
        };
      });
    },
  };
}

/** In this process, which does nothing else meanwhile. */
async function startIdleServer() {
  const body = JSON.stringify({ term: 0 });
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * One real node, and clients that mean no good: too many, too slow, half there, or never reading.
 *
 * The node answers `/status` all along, holds bounded memory, and has its file descriptors back once
 * they are gone.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { httpLimits } from "../../../node/src/http/server.ts";
import { createBootIdentity, tlsOptions } from "../../../node/src/transport/identity.ts";
import type { Cluster } from "../../../scripts/cluster/handle.ts";
import { startCluster } from "../../../scripts/cluster/launch.ts";
import { nodePortsOf } from "../../../scripts/cluster/ports.ts";
import { type Counter, getJson, increment, startLoad } from "../../support/clients.ts";
import { type Behaviour, filesMax, hold } from "./clients.ts";
import { type Watched, watchNode } from "./node.ts";

const basePort = 19_500;
const mebibyte = 1_048_576;

let cluster: Cluster;
let dataDir: string;
let url: string;
let node: Watched;
let ports: { readonly http: number; readonly peer: number };

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  cluster = await startCluster({ dataDir, nodeCount: 1, basePort });
  const only = cluster.nodes[0] ?? expect.fail();
  url = only.url;
  ports = nodePortsOf(basePort, 1);
  node = watchNode(url, only.pid() ?? expect.fail());
});
afterAll(async () => {
  node?.end();
  await cluster?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const memory = () => node.metric("process_resident_memory_bytes");
const dropped = (reason: string) =>
  node.metric("http_connections_dropped_total", `reason="${reason}"`);

const soon = { timeout: 30_000, interval: 100 };
const later = { timeout: 60_000, interval: 250 };

/** Runs `act` while `/status` is asked for: it is answered, and memory grows by `bytesMax` at most. */
async function whileServing(
  what: string,
  bytesMax: number,
  act: () => Promise<void>,
): Promise<void> {
  const before = { files: node.files(), bytes: await memory() };
  const probe = node.probe();
  await act();
  const seen = await probe.stop();
  const { files } = before;
  if (files !== null) await expect.poll(() => node.files(), soon).toBeLessThanOrEqual(files + 5);
  process.stdout.write(
    `${what}: /status answered ${seen.answers} times, in ${seen.tookMsMax.toFixed(0)} ms at most; ` +
      `memory ${inMebibytes(before.bytes)} before, ${inMebibytes(seen.bytesMax)} at most, ` +
      `${inMebibytes(await memory())} after\n`,
  );
  expect(seen.answers).toBeGreaterThan(0);
  expect(seen.bytesMax).toBeLessThan(before.bytes + bytesMax);
}

const inMebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(0)} MiB`;

/** The cheapest that there is: it makes a connection one that a client keeps. */
const greeting = "OPTIONS / HTTP/1.1\r\nhost: node\r\n\r\n";

/** Of one idle connection: the kernel's part is not the process's. Measured: 12 KiB. */
const idleBytesMax = 32 * 1_024;

/** With those that were let in beyond the 10,000. */
const heldMax = httpLimits.connectionsMax;
/**
 * The answers that nobody takes, each held as text and as bytes to be sent; as much again for what
 * the garbage collector has not seen to; and for each of some 3,000 connections its share.
 */
const hostileBytesMax = 4 * httpLimits.unsentBytesMax + 3_000 * idleBytesMax;

test("10,000 idle connections are held, and those over the limit are refused and counted", async () => {
  const room = filesMax() - 1_000;
  const wanted = Math.min(10_000, room);
  if (wanted < 10_000)
    process.stdout.write(`only ${wanted} idle connections: the limit of open files\n`);
  await whileServing(`${wanted} idle connections`, heldMax * idleBytesMax, async () => {
    const idle = [await hold(ports.http, wanted, { says: greeting })];
    const open = () => idle.reduce((total, clients) => total + clients.open(), 0);
    // Where the machine is slow, the first are turned out for idling before the last have come.
    while (open() < wanted) {
      idle.push(await hold(ports.http, wanted - open(), { says: greeting }));
    }
    expect((await increment(url)).value).toBeGreaterThan(0);

    const over = httpLimits.connectionsMax - wanted + 200;
    if (wanted + over <= room) {
      const refused = await hold(ports.http, over, {
        says: greeting,
      });
      await expect.poll(() => dropped("too-many"), soon).toBeGreaterThanOrEqual(200);
      expect(refused.open()).toBeLessThanOrEqual(over - 200);
      refused.end();
    }
    for (const clients of idle) clients.end();
  });
}, 180_000);

test("clients that come and go leave nothing behind", async () => {
  const wave = async () => {
    const clients = await hold(ports.http, 1_500, { says: greeting });
    clients.end();
    await expect.poll(() => node.files(), soon).toBeLessThan(200);
    return await memory();
  };
  const first = await wave();
  await wave();
  expect(await wave()).toBeLessThan(first + 32 * mebibyte);
}, 180_000);

const records = 1_000;
const head = "GET /status HTTP/1.1\r\nhost: node\r\n";
const post = "POST /increment HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n";
const log = `GET /log?from=1&limit=${records} HTTP/1.1\r\nhost: node\r\n\r\n`;
const handshake = Uint8Array.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

/** Whether they read decides what this side can see: one that does not is not told that it was cut. */
const slow: readonly Behaviour[] = [
  {},
  { dribbles: `${head}x: ${"y".repeat(1_000)}` },
  { says: head.slice(0, 20), halfCloses: true },
  { halfCloses: true },
  { says: head, reads: false },
  { says: `${post}content-length: 1000\r\n\r\n{"by":`, dribbles: " ", reads: false },
  { says: `${post}transfer-encoding: chunked\r\n\r\n5\r\n{`, reads: false },
];
const deaf: readonly (readonly [count: number, Behaviour])[] = [
  [50, { says: log.repeat(500), reads: false }],
  [50, { says: log.repeat(httpLimits.aheadMax), reads: false }],
  [200, { says: log, reads: false }],
];
const strangers: readonly Behaviour[] = [
  {},
  { dribbles: handshake },
  { halfCloses: true },
  { says: "GET / HTTP/1.1\r\n\r\n", reads: false },
];

test("clients that are slow, half there or never read are survived, all at once", async () => {
  await grow(records);
  await whileServing("hostile clients", hostileBytesMax, async () => {
    const { value } = await getJson<Counter>(`${url}/counter`);
    const rejectedBefore = await node.metric("peer_rejected_total");
    const atHttp = await Promise.all(slow.map((each) => hold(ports.http, 300, each)));
    const heldDeaf = await Promise.all(deaf.map(([count, each]) => hold(ports.http, count, each)));
    const atPeers = await Promise.all(strangers.map((each) => hold(ports.peer, 200, each)));
    const identity = await createBootIdentity();
    const mute = Array.from({ length: 50 }, () =>
      connectTls({ ...tlsOptions(identity), port: ports.peer, host: "127.0.0.1" }).on(
        "error",
        () => {},
      ),
    );

    // All but those who hung up by themselves.
    await expect
      .poll(() => node.metric("peer_rejected_total"), later)
      .toBeGreaterThanOrEqual(rejectedBefore + 600);
    await expect.poll(() => dropped("ahead"), later).toBeGreaterThanOrEqual(50);
    const reading = [...atHttp.slice(0, 4), ...atPeers.slice(0, 3)];
    for (const clients of reading) await expect.poll(() => clients.open(), later).toBe(0);
    expect(atHttp[1]?.heard()).toMatch(/^HTTP\/1.1 408 /);

    for (const clients of [...atHttp, ...heldDeaf, ...atPeers]) clients.end();
    for (const socket of mute) socket.destroy();
    expect((await getJson<Counter>(`${url}/counter`)).value).toBe(value);
    expect((await increment(url)).value).toBe(value + 1);
  });
}, 180_000);

/** So that the log is worth reading. */
async function grow(entries: number): Promise<void> {
  const load = startLoad([url], 50);
  await expect.poll(() => load.acknowledged(), later).toBeGreaterThanOrEqual(entries);
  await load.stop();
}

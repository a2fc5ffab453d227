/** How the loss of a leader is measured, on members that do as a test says. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import {
  firstAcknowledgement,
  untilShown,
  writeNewest,
} from "../../../scripts/bench/recovery/acknowledgement.ts";
import { type Fault, faults, isStopped } from "../../../scripts/bench/recovery/faults.ts";
import { measureRecovery } from "../../../scripts/bench/recovery/measure.ts";
import { openPeerNetwork } from "../../../scripts/bench/recovery/network.ts";
import { reportRecovery } from "../../../scripts/bench/recovery/report.ts";
import type { Subject } from "../../../scripts/bench/subject.ts";
import { ownersAreKnown } from "../../../scripts/chaos/net/owner.ts";
import { listen } from "../../../scripts/chaos/net/peerProxy.ts";

const host = "127.0.0.1";
const patience = { timeout: 5_000 };
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const acknowledges: RequestListener = (_request, response) => void response.end('{"at": 7}');
const refuses: RequestListener = (_request, response) => void response.writeHead(503).end("{}");
const hangs: RequestListener = () => undefined;

/** The first of them leads. */
async function subjectOf(...members: readonly RequestListener[]): Promise<Subject> {
  const urls = await Promise.all(
    members.map(async (handle) => {
      const server = createServer(handle);
      servers.push(server);
      server.listen(0, host);
      await once(server, "listening");
      return `http://${host}:${(server.address() as AddressInfo).port}`;
    }),
  );
  const target = (position: number) =>
    ({ url: urls[position] ?? "", method: "POST", body: null }) as const;
  const at = (answer: unknown) => (answer as { readonly at: number }).at;
  return {
    name: "fake",
    members: members.map((_, position) => ({ name: `fake${position}`, pid: () => null })),
    leader: async () => 0,
    write: target,
    linearizableRead: target,
    localRead: target,
    writtenAt: at,
    shownAt: at,
    signal: async () => undefined,
    restart: async () => undefined,
    ready: async () => undefined,
    network: null,
    stop: async () => undefined,
  };
}

test("a service is back when one of its members acknowledges, though the struck one hangs", async () => {
  let asked = 0;
  const elects: RequestListener = (request, response) => {
    asked += 1;
    (asked > 3 ? acknowledges : refuses)(request, response);
  };
  const subject = await subjectOf(hangs, refuses, elects);
  const sinceMs = performance.now();
  expect(await firstAcknowledgement(subject, 0)).toBeGreaterThan(sinceMs);
  expect(asked).toBeGreaterThan(3);
});

test("a struck leader that acknowledges a write is an error", async () => {
  const subject = await subjectOf(acknowledges, refuses, refuses);
  await expect(firstAcknowledgement(subject, 0)).rejects.toThrow("fake0 acknowledged a write");
});

test("the newest write is one that the others acknowledged", async () => {
  const subject = await subjectOf(
    (_request, response) => void response.end('{"at": 9}'),
    refuses,
    acknowledges,
  );
  expect(await writeNewest(subject, 0)).toBe(7);
});

test("a member is whole once its own read shows the newest write", async () => {
  let shown = 4;
  const catchesUp: RequestListener = (_request, response) => {
    shown += 1;
    response.end(`{"at": ${shown}}`);
  };
  await untilShown(await subjectOf(hangs, catchesUp, hangs), { position: 1, newest: 7 });
  expect(shown).toBe(7);
});

test("no write is sent before the strike is done, and the leader is healed once it is replaced", async () => {
  const happened: string[] = [];
  const others: RequestListener = (request, response) => {
    if (happened.at(-1) !== "write") happened.push("write");
    acknowledges(request, response);
  };
  const subject = await subjectOf((request, response) => {
    const isHealed = happened.includes("healed");
    if (isHealed && happened.at(-1) !== "read") happened.push("read");
    (isHealed ? acknowledges : hangs)(request, response);
  }, others);
  const fault: Fault = {
    name: "fake",
    strike: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      happened.push("struck");
    },
    heal: async () => void happened.push("healed"),
  };
  const ready = async () => void happened.push("ready");
  const { unavailableMs, wholeMs } = await measureRecovery({ ...subject, ready }, fault);
  expect(happened).toEqual(["struck", "write", "healed", "read", "ready"]);
  expect(unavailableMs).toBeGreaterThan(0);
  expect(wholeMs).toBeGreaterThan(0);
});

test("without anything in the path, nothing is cut off", async () => {
  const partition = faults.find(({ name }) => name === "partition");
  await expect(partition?.strike(await subjectOf(hangs), 0)).rejects.toThrow(
    "nothing is in the path of fake",
  );
});

test.runIf(ownersAreKnown)("a process has stopped when all of its threads have", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => console.log(1), 10)"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const pid = child.pid ?? 0;
  expect(isStopped(pid)).toBe(false);
  child.kill("SIGSTOP");
  await vi.waitFor(() => expect(isStopped(pid)).toBe(true), patience);
  child.kill("SIGCONT");
  await vi.waitFor(() => expect(isStopped(pid)).toBe(false), patience);
});

test.runIf(ownersAreKnown)("who is cut off reaches nobody, the others do", async () => {
  const received = ["", "", ""];
  const sockets: Socket[] = [];
  const members = received.map((_, position) =>
    createTcpServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.on("data", (bytes: Buffer) => {
        received[position] += bytes.toString();
      });
    }),
  );
  const ports = await Promise.all(members.map((member) => listen(member, host)));
  const network = await openPeerNetwork({
    names: ["a", "b", "c"],
    listensAt: (position) => ports[position] ?? 0,
    // Whatever this process dials, a dials.
    processes: () => [
      { name: "chain", pid: process.ppid },
      { name: "a", pid: process.pid },
    ],
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    for (const member of members) member.close();
    await network.close();
  });
  const dial = (position: number) => {
    const socket = connect({ host, port: network.ports[position] ?? 0 });
    sockets.push(socket);
    return socket;
  };
  const [toB, toC] = [dial(1), dial(2)];
  network.cutOff(1);
  toB.write("held back");
  toC.write("passes");
  await vi.waitFor(() => expect(received[2]).toBe("passes"), patience);
  expect(received[1]).toBe("");
  network.mend();
  await vi.waitFor(() => expect(received[1]).toBe("held back"), patience);
});

test("the report has the least, the median and the most of each fault, and the ratio of medians", () => {
  const of = (subject: string, ...unavailable: readonly number[]) => ({
    fault: "pause",
    subject,
    recoveries: unavailable.map((unavailableMs) => ({ unavailableMs, wholeMs: 50 })),
  });
  const measured = [of("ours", 1_200, 900, 1_000), of("theirs", 2_000, 1_900, 2_600)];
  const report = reportRecovery({ times: 3, measured });
  expect(report).toContain("3 times each way; a proxy in every path");
  expect(report).toMatch(/^pause +ours +900 +1000 +1200 +50 +50 +50$/m);
  expect(report).toMatch(/^pause +theirs +1900 +2000 +2600 +50 +50 +50$/m);
  expect(report).toMatch(/^pause +0\.50× +1\.00×$/m);
});

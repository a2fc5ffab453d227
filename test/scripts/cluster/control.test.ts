/** The channel between `npm run join` and the starter, with changes that the tests themselves make. */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { requestChange, requestNotes } from "../../../scripts/cluster/control/client.ts";
import type { Faults } from "../../../scripts/cluster/control/faults.ts";
import { type Control, openControl } from "../../../scripts/cluster/control/server.ts";
import type { FaultRequest } from "../../../scripts/cluster/control/words.ts";
import { ChangeError } from "../../../scripts/cluster/failure.ts";
import { identityOf } from "../../../scripts/cluster/identity.ts";
import {
  controlSocket,
  type Layout,
  layoutOf,
  makeSocketDir,
} from "../../../scripts/cluster/layout.ts";
import type { Changes } from "../../../scripts/cluster/members/changes.ts";
import { type ClusterRecord, writeRecord } from "../../../scripts/cluster/record.ts";
import { temporaryDir } from "./program.ts";

const joinRequest = { kind: "join", timeoutMs: null } as const;
const refusing: Changes = {
  join: () => Promise.reject(new ChangeError("no room")),
  leave: () => Promise.reject(new ChangeError("the last one stays")),
  resume: () => undefined,
  close: () => undefined,
};
const noFaults: Faults = {
  carryOut: () => Promise.reject(new ChangeError("unbreakable")),
  notes: () => [],
};

/** A data directory on which this very process runs a cluster, or no process at all. */
async function place(isRunning: boolean): Promise<Layout> {
  const layout = layoutOf(await temporaryDir());
  await mkdir(layout.dataDir, { recursive: true });
  const self = identityOf(process.pid);
  const record: ClusterRecord = {
    format: 2,
    nodes: [{ number: 1, wallet: null, leaving: false }],
    lastNumber: 1,
    basePort: 20_000,
    blockTimeSeconds: null,
    socketDir: await makeSocketDir(layout),
    deployment: null,
    supervisor: isRunning && self !== null ? { name: "starter", ...self } : null,
    processes: [],
  };
  await writeRecord(layout.record, record);
  return layout;
}

async function open(
  layout: Layout,
  changes: Changes,
  faults: Faults = noFaults,
): Promise<{ control: Control; path: string }> {
  const { socketDir } = JSON.parse(await readFile(layout.record, "utf8")) as ClusterRecord;
  const path = controlSocket(socketDir);
  const control = await openControl(path, { changes, faults });
  onTestFinished(() => control.close());
  return { control, path };
}

test("a request is carried out with its options, and each step is passed on", async () => {
  const layout = await place(true);
  const asked: unknown[] = [];
  await open(layout, {
    ...refusing,
    async leave(number, { tell, timeoutMs, forget }) {
      asked.push({ number, timeoutMs, forget });
      tell?.("one");
      tell?.("two");
    },
  });
  const lines: string[] = [];
  const request = { kind: "leave", number: 2, timeoutMs: 5_000, forget: true } as const;

  await requestChange(layout, request, (line) => lines.push(line));

  expect(asked).toEqual([{ number: 2, timeoutMs: 5_000, forget: true }]);
  expect(lines).toEqual(["one", "two"]);
});

test("a fault is carried out, and what was done is passed on", async () => {
  const layout = await place(true);
  const asked: FaultRequest[] = [];
  await open(layout, refusing, {
    ...noFaults,
    carryOut: async (request) => {
      asked.push(request);
      return "node2 killed";
    },
  });
  const lines: string[] = [];
  const request = { kind: "node-fault", act: "kill", number: 2 } as const;

  await requestChange(layout, request, (line) => lines.push(line));

  expect(asked).toEqual([request]);
  expect(lines).toEqual(["node2 killed"]);
});

test("what is done to nodes is told of each", async () => {
  const layout = await place(true);
  const notes = [
    { number: 1, text: "clock +1h", hampers: false },
    { number: 2, text: "cut off", hampers: true },
  ];
  await open(layout, refusing, { ...noFaults, notes: () => notes });
  expect(await requestNotes(layout)).toEqual(notes);
});

test("a refusal arrives in its own words", async () => {
  const layout = await place(true);
  await open(layout, refusing);
  await expect(requestChange(layout, joinRequest, () => undefined)).rejects.toThrow("no room");
});

test("nobody but the starter's user can open the socket", async () => {
  const layout = await place(true);
  const { path } = await open(layout, refusing);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a socket that a killed starter left behind is replaced", async () => {
  const layout = await place(true);
  const { socketDir } = JSON.parse(await readFile(layout.record, "utf8")) as ClusterRecord;
  await writeFile(controlSocket(socketDir), "");
  await open(layout, refusing);
  await expect(requestChange(layout, joinRequest, () => undefined)).rejects.toThrow("no room");
});

test.for([
  ["garbage", "expected one line such as"],
  ['{"kind":"join"}', "timeoutMs: Invalid input"],
  ['{"kind":"leave","number":0,"forget":false,"timeoutMs":null}', "number: Too small"],
  ['{"kind":"join","timeoutMs":null,"surprise":1}', "surprise"],
  ['{"kind":"node-fault","act":"explode","number":1}', "act: Invalid option"],
  ['{"kind":"partition","numbers":[],"oneWay":false}', "numbers: Too small"],
  ['{"kind":"slow","numbers":[1],"delayMs":-1}', "delayMs: Too small"],
  ['{"kind":"rpc","numbers":[1],"behaviour":"lies"}', "behaviour: Invalid option"],
  ['{"kind":"explode"}', "kind: Invalid"],
] as const)("the request %s is refused, and says what was expected", async ([line, expected]) => {
  const { path } = await open(await place(true), refusing);
  const socket = connect(path);
  socket.write(`${line}\n`);
  const answer = JSON.parse(await text(socket)) as { kind: string; reason: string };
  expect(answer.kind).toBe("failed");
  expect(answer.reason).toContain(expected);
});

test("a request without an end is hung up on", async () => {
  const { path } = await open(await place(true), refusing);
  const socket = connect(path);
  socket.on("error", () => undefined);
  socket.write("x".repeat(5_000));
  expect(await text(socket)).toBe("");
});

test("whoever hangs up is not waited for any more", async () => {
  const layout = await place(true);
  const left = Promise.withResolvers<void>();
  const { path } = await open(layout, {
    ...refusing,
    join: ({ abandoned, tell }) => {
      abandoned?.addEventListener("abort", () => left.resolve());
      tell?.("begun");
      return left.promise.then(() => 4);
    },
  });
  const socket = connect(path);
  socket.write(`${JSON.stringify(joinRequest)}\n`);
  socket.once("data", () => socket.destroy());
  await left.promise;
});

test("a starter that ends before it answers is named as the reason", async () => {
  const layout = await place(true);
  const { socketDir } = JSON.parse(await readFile(layout.record, "utf8")) as ClusterRecord;
  const { createServer } = await import("node:net");
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(controlSocket(socketDir), resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const asked = requestChange(layout, joinRequest, () => undefined);
  await expect(asked).rejects.toThrow("the starter ended before it answered");
});

test("without a running cluster the way to start one is named", async () => {
  const nowhere = layoutOf(await temporaryDir());
  const start = `\`npm start -- --data-dir ${nowhere.dataDir}\``;
  const asked = requestChange(nowhere, joinRequest, () => undefined);
  await expect(asked).rejects.toThrow(`there is no cluster in ${nowhere.dataDir}; ${start}`);

  const stopped = await place(false);
  await expect(requestChange(stopped, joinRequest, () => undefined)).rejects.toThrow(
    `nothing runs on ${stopped.dataDir}; \`npm start -- --data-dir`,
  );

  const starting = await place(true);
  await expect(requestChange(starting, joinRequest, () => undefined)).rejects.toThrow(
    /takes no requests now \(.*ENOENT.*\): it is starting or stopping/,
  );
});

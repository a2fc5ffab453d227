/**
 * Where a running cluster takes requests for changes of its members, and for faults: a Unix socket that only the
 * starter's own user can open.
 */
import { chmod, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { reasonOf } from "../failure.ts";
import type { ChangeOptions, Changes } from "../members/changes.ts";
import type { Faults } from "./faults.ts";
import { type ChangeAnswer, type ChangeRequest, readRequest } from "./words.ts";

/** Who carries out what is asked for. */
export type Servants = { readonly changes: Changes; readonly faults: Faults };

export type Control = {
  /** Takes nothing more; whoever waits has been told how its change ended. */
  close(): Promise<void>;
};

const requestBytesMax = 4_096;
const requestTimeoutMs = 5_000;

/**
 * Listens at `path`, which a starter that was killed may have left behind.
 *
 * @throws Error when it cannot
 */
export async function openControl(path: string, servants: Servants): Promise<Control> {
  await rm(path, { force: true });
  const connections = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const served = serve(socket, servants).finally(() => connections.delete(socket));
    connections.set(socket, served);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return {
    async close() {
      server.close();
      await Promise.all(connections.values());
    },
  };
}

async function serve(socket: Socket, servants: Servants): Promise<void> {
  // Whoever hangs up misses the answer; what was begun goes on, and the next may ask.
  const hungUp = new AbortController();
  socket.on("error", () => undefined);
  socket.once("close", () => hungUp.abort());
  const answer = (word: ChangeAnswer) => {
    if (socket.writable) socket.write(`${JSON.stringify(word)}\n`);
  };
  const line = await firstLine(socket);
  if (line !== null) answer(await carryOut(line, servants, answer, hungUp.signal));
  socket.end();
}

async function carryOut(
  line: string,
  servants: Servants,
  answer: (word: ChangeAnswer) => void,
  abandoned: AbortSignal,
): Promise<ChangeAnswer> {
  const request = readRequest(line);
  if (typeof request === "string") return { kind: "failed", reason: request };
  try {
    const tell = (text: string) => answer({ kind: "progress", text });
    if (request.kind === "join" || request.kind === "leave") {
      await change(servants.changes, request, { tell, abandoned });
    } else if (request.kind === "notes") {
      for (const note of servants.faults.notes()) answer({ kind: "note", ...note });
    } else {
      tell(await servants.faults.carryOut(request));
    }
    return { kind: "done" };
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}

async function change(
  changes: Changes,
  request: Extract<ChangeRequest, { readonly kind: "join" | "leave" }>,
  options: ChangeOptions,
): Promise<void> {
  const { timeoutMs } = request;
  if (request.kind === "join") {
    await changes.join({ ...options, timeoutMs });
    return;
  }
  await changes.leave(request.number, { ...options, timeoutMs, forget: request.forget });
}

/** @returns `null` when none came in time or in bounds */
function firstLine(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const done = (line: string | null) => {
      socket.setTimeout(0);
      socket.removeAllListeners("data");
      socket.resume();
      resolve(line);
    };
    socket.setEncoding("utf8");
    socket.setTimeout(requestTimeoutMs, () => done(null));
    socket.once("close", () => done(null));
    socket.on("data", (chunk) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0) done(text.slice(0, end));
      else if (text.length > requestBytesMax) done(null);
    });
  });
}

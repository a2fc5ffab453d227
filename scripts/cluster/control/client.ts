/** The other end of the control channel: one request to whoever runs a cluster. */
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { ChangeError } from "../failure.ts";
import { isRunning } from "../identity.ts";
import { controlSocket, type Layout } from "../layout.ts";
import { startCommand } from "../plan.ts";
import { type ClusterRecord, readRecord } from "../record.ts";
import { type ChangeAnswer, type ChangeRequest, type Note, readAnswer } from "./words.ts";

/**
 * Resolves once the change is done.
 *
 * @param tell told each step
 * @throws ChangeError when it is refused, fails, or nothing runs on the data directory
 * @throws StartError when the data directory's record is damaged
 */
export async function requestChange(
  layout: Layout,
  request: ChangeRequest,
  tell: (line: string) => void,
): Promise<void> {
  for await (const answer of answersTo(request, layout)) {
    if (answer.kind === "progress") tell(answer.text);
  }
}

/** What the starter knows of faults on single nodes. @throws ChangeError */
export async function requestNotes(layout: Layout): Promise<readonly Note[]> {
  const notes: Note[] = [];
  for await (const answer of answersTo({ kind: "notes" }, layout)) {
    if (answer.kind !== "note") continue;
    const { number, text, hampers } = answer;
    notes.push({ number, text, hampers });
  }
  return notes;
}

/** Those on the way, until it is done. @throws ChangeError */
async function* answersTo(request: ChangeRequest, layout: Layout): AsyncGenerator<ChangeAnswer> {
  const { socketDir } = recordOfRunning(layout);
  const socket = await connectTo(controlSocket(socketDir), layout);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const answer of answersOn(socket)) {
      if (answer.kind === "done") return;
      if (answer.kind === "failed") throw new ChangeError(answer.reason);
      yield answer;
    }
    throw new ChangeError("the starter ended before it answered");
  } finally {
    socket.destroy();
  }
}

/** A connection that breaks off ends them, as an orderly end does. */
async function* answersOn(socket: Socket): AsyncGenerator<ChangeAnswer> {
  try {
    for await (const line of createInterface({ input: socket })) {
      const answer = readAnswer(line);
      if (answer !== null) yield answer;
    }
  } catch (error) {
    if (socket.errored === null) throw error;
  }
}

/** @throws ChangeError naming how to start a cluster, where none runs on the data directory */
export function recordOfRunning(layout: Layout): ClusterRecord {
  const record = readRecord(layout.record);
  if (record === null) {
    throw new ChangeError(
      `there is no cluster in ${layout.dataDir}; ${startCommand(layout)} makes one`,
    );
  }
  if (record.supervisor === null || !isRunning(record.supervisor)) {
    throw new ChangeError(
      `nothing runs on ${layout.dataDir}; ${startCommand(layout)} starts its cluster again`,
    );
  }
  return record;
}

function connectTo(path: string, layout: Layout): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    // Later errors show as the end of the answers.
    socket.on("error", (error) => {
      const reason = `the cluster on ${layout.dataDir} takes no requests now (${error.message})`;
      reject(new ChangeError(`${reason}: it is starting or stopping; try again once it serves`));
    });
  });
}

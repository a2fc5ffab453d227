/** Clients that mean no good, in bulk. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export type Held = {
  /** Still open, as far as this side can tell. */
  open(): number;
  /** All that any of them was told. */
  heard(): string;
  end(): void;
};

export type Behaviour = {
  /** What each says at once. */
  readonly says?: string | Uint8Array;
  /** What each says on and on, one byte a turn. */
  readonly dribbles?: string | Uint8Array;
  readonly reads?: boolean;
  /** Says that it has nothing more to say, and stays. */
  readonly halfCloses?: boolean;
};

const atOnce = 400;
/** What is kept of the words said to all of them: enough to look at. */
const heardCharactersMax = 65_536;
const dribbleMs = 200;

/** Opens `count` connections; resolves once each is open, or was refused. Ended with the test. */
export async function hold(port: number, count: number, behaviour: Behaviour = {}): Promise<Held> {
  const sockets = new Set<Socket>();
  let heard = "";
  const note = (chunk: Buffer): void => {
    if (heard.length < heardCharactersMax) heard += chunk.toString("latin1");
  };
  for (let opened = 0; opened < count; opened += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - opened) }, () =>
      open(port, behaviour, sockets, note),
    );
    await Promise.all(batch);
  }
  const dribble = Buffer.from(behaviour.dribbles ?? "");
  let turn = 0;
  const timer = setInterval(() => {
    const byte = dribble.subarray(turn % dribble.length, (turn % dribble.length) + 1);
    turn += 1;
    if (byte.length > 0) for (const socket of sockets) socket.write(byte);
  }, dribbleMs);
  const end = (): void => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(end);
  return { open: () => sockets.size, heard: () => heard, end };
}

function open(
  port: number,
  { says, reads = true, halfCloses = false }: Behaviour,
  sockets: Set<Socket>,
  note: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: halfCloses });
    sockets.add(socket);
    if (reads) socket.on("data", note);
    else socket.pause();
    socket.on("error", () => {});
    socket.on("end", () => {
      if (halfCloses) socket.end();
    });
    socket.on("close", () => {
      sockets.delete(socket);
      resolve();
    });
    socket.on("connect", () => {
      if (says !== undefined) socket.write(says);
      if (halfCloses) socket.end();
      // One that is to be refused is closed at once; a first answer shows that it was not.
      if (says === undefined || !reads || halfCloses) resolve();
      else socket.once("data", () => resolve());
    });
  });
}

/** How many files this process may have open; the node inherits the same limit. */
export function filesMax(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return Number(line?.[1] ?? 1_024);
  } catch {
    return 1_024;
  }
}

/**
 * Second processes of members that run already: same guest agent, hence same wallet, and a disk like
 * the original's. While one lives, every second connection to its member reaches it instead.
 */
import { type Child, type Command, run } from "../../cluster/child.ts";
import { nodeName } from "../../cluster/node.ts";
import { host } from "../../cluster/ports.ts";

export type Clones = {
  /** Returns what ends it. */
  start(position: number, dataDir: string): Promise<() => Promise<void>>;
  /** Where the next connection to that position goes, if to a clone. */
  peerPortOf(position: number): number | null;
  /** Of those that run, with their positions. */
  pids(): readonly (readonly [pid: number, position: number])[];
  /** Of all that ever ran. */
  logs(): readonly { readonly name: string; readonly logFile: string }[];
  endAll(): Promise<void>;
};

/** Beyond the ports that a launcher gives to its nodes. */
const httpOffset = 50;
const peerOffset = 150;

export type CloneOptions = {
  readonly ports: { readonly http: number; readonly peer: number };
  readonly dataDir: string;
  readonly logFile: string;
};

/** It advertises the very endpoints of the original, and listens elsewhere. */
export function cloneCommand(
  original: Command,
  { ports, dataDir, logFile }: CloneOptions,
): Command {
  const env = {
    ...original.env,
    HTTP_PORT: String(ports.http),
    PEER_HOST: host,
    PEER_PORT: String(ports.peer),
    DATA_DIR: dataDir,
  };
  return { ...original, env, logFile };
}

/** @param commands what each position's node was last started with */
export function createClones(basePort: number, commands: ReadonlyMap<number, Command>): Clones {
  const live = new Map<number, Child>();
  const logs: { readonly name: string; readonly logFile: string }[] = [];
  let turn = 0;

  async function start(position: number, dataDir: string): Promise<() => Promise<void>> {
    const original = commands.get(position);
    if (original === undefined) throw new Error(`there is no node at ${position} to be cloned`);
    const name = `${nodeName(position + 1)}-clone${logs.length + 1}`;
    const logFile = original.logFile.replace(/[^/]+$/, `${name}.log`);
    const ports = { http: basePort + httpOffset + position, peer: peerPort(position) };
    const clone = await run(cloneCommand(original, { ports, dataDir, logFile }));
    logs.push({ name, logFile });
    live.set(position, clone);
    return () => end(position, clone);
  }

  async function end(position: number, clone: Child): Promise<void> {
    clone.signal("SIGKILL");
    await clone.ended;
    if (live.get(position) === clone) live.delete(position);
  }

  function peerPort(position: number): number {
    return basePort + peerOffset + position;
  }

  return {
    start,
    peerPortOf(position) {
      const clone = live.get(position);
      if (clone === undefined || clone.ending() !== null) return null;
      turn += 1;
      return turn % 2 === 0 ? peerPort(position) : null;
    },
    pids: () => [...live].map(([position, { identity }]) => [identity.pid, position] as const),
    logs: () => logs,
    async endAll() {
      await Promise.all([...live].map(([position, clone]) => end(position, clone)));
    },
  };
}

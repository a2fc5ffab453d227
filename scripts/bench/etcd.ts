/** etcd as a subject: three members of Debian's `etcd-server`, with their defaults. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { z } from "zod";
import { StartError } from "../cluster/failure.ts";
import { findBasePort, host } from "../cluster/ports.ts";
import { createSupervisor, type Service } from "../cluster/supervisor.ts";
import { becomes } from "../cluster/wait.ts";
import { type Subject, send, type Target } from "./subject.ts";

const memberCount = 3;
const peerOffset = 100;
const startTimeoutMs = 30_000;
const stopGraceMs = 4_000;
const askTimeoutMs = 1_000;
const statusSchema = z.object({
  header: z.object({ member_id: z.string() }),
  leader: z.string().optional(),
});

/** @throws StartError that says how to install it */
export function findEtcd(path: string | undefined): string {
  for (const directory of (path ?? "").split(delimiter)) {
    const candidate = join(directory, "etcd");
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here: the next directory may have it.
    }
  }
  throw new StartError(
    "--vs-etcd needs the program etcd; on Debian: apt-get install --no-install-recommends etcd-server",
  );
}

export async function startEtcd(program: string, dataDir: string): Promise<Subject> {
  const basePort = await findBasePort(memberCount);
  const positions = [0, 1, 2];
  const urlOf = (position: number) => `http://${host}:${basePort + position}`;
  const services = positions.map((position) =>
    etcdService({ program, dataDir, basePort, position }),
  );
  const supervisor = createSupervisor({
    changed: () => undefined,
    report: (line) => process.stderr.write(`${line}\n`),
  });
  const ready = (position: number) => becomes(() => serves(urlOf(position)), startTimeoutMs);
  const stop = () =>
    supervisor.stop(
      services.map(({ name }) => name),
      stopGraceMs,
    );
  mkdirSync(dataDir, { recursive: true });
  await Promise.all(services.map((service) => supervisor.start(service)));
  if ((await Promise.all(positions.map(ready))).includes(false)) {
    await stop();
    throw new StartError(`etcd does not serve after ${startTimeoutMs} ms; see ${dataDir}/*.log`);
  }
  supervisor.announceEndings();
  const name = (position: number) => services[position]?.name ?? "";
  return {
    name: "etcd",
    members: services.map((service) => ({
      name: service.name,
      pid: () => supervisor.processes().find((each) => each.name === service.name)?.pid ?? null,
    })),
    leader: () => findLeader(positions.map(urlOf)),
    write: (position) => put(urlOf(position)),
    linearizableRead: (position) => range(urlOf(position), false),
    localRead: (position) => range(urlOf(position), true),
    async kill(position) {
      supervisor.signal(name(position), "SIGKILL");
      await supervisor.ended(name(position));
    },
    async heal(position) {
      const service = services[position];
      if (service !== undefined) await supervisor.start(service);
      if (!(await ready(position))) throw new Error(`${name(position)} did not come back`);
    },
    stop,
  };
}

function etcdService(member: {
  readonly program: string;
  readonly dataDir: string;
  readonly basePort: number;
  readonly position: number;
}): Service {
  const { program, dataDir, basePort, position } = member;
  const name = (of: number) => `etcd${of + 1}`;
  const client = `http://${host}:${basePort + position}`;
  const peer = (of: number) => `http://${host}:${basePort + peerOffset + of}`;
  const options = {
    name: name(position),
    "data-dir": join(dataDir, name(position)),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer(position),
    "initial-advertise-peer-urls": peer(position),
    "initial-cluster": [0, 1, 2].map((of) => `${name(of)}=${peer(of)}`).join(","),
    "initial-cluster-state": "new",
    "log-level": "error",
    logger: "zap",
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  const logFile = join(dataDir, `${name(position)}.log`);
  return { name: name(position), command: { program, args, env: {}, logFile }, restartCode: null };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const key = base64("counter");

function put(url: string): Target {
  const body = JSON.stringify({ key, value: base64("1") });
  return { url: `${url}/v3/kv/put`, method: "POST", body };
}

function range(url: string, serializable: boolean): Target {
  const body = JSON.stringify({ key, serializable });
  return { url: `${url}/v3/kv/range`, method: "POST", body };
}

async function serves(url: string): Promise<boolean> {
  return send(range(url, false), AbortSignal.timeout(askTimeoutMs));
}

async function findLeader(urls: readonly string[]): Promise<number> {
  const statuses = await Promise.all(urls.map(statusOf));
  const leader = statuses.find((status) => status !== null)?.leader;
  return statuses.findIndex((status) => status?.header.member_id === leader);
}

async function statusOf(url: string): Promise<z.infer<typeof statusSchema> | null> {
  try {
    const signal = AbortSignal.timeout(askTimeoutMs);
    const answer = await fetch(`${url}/v3/maintenance/status`, {
      method: "POST",
      body: "{}",
      signal,
    });
    return statusSchema.parse(await answer.json());
  } catch {
    return null;
  }
}

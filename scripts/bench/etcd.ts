/** etcd as a subject: three members of Debian's `etcd-server`, with their defaults. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { z } from "zod";
import { reasonOf, StartError } from "../cluster/failure.ts";
import { findBasePort, host } from "../cluster/ports.ts";
import { createSupervisor, type Service, type Supervisor } from "../cluster/supervisor.ts";
import { becomes } from "../cluster/wait.ts";
import { openPeerNetwork, type PeerNetwork } from "./recovery/network.ts";
import { type Subject, send, type Target } from "./subject.ts";

const memberCount = 3;
const positions = Array.from({ length: memberCount }, (_, position) => position);
const names = positions.map((position) => `etcd${position + 1}`);
const peerOffset = 100;
const readyTimeoutMs = 30_000;
const stopGraceMs = 4_000;
const askTimeoutMs = 1_000;
const statusSchema = z.object({
  header: z.object({ member_id: z.string() }),
  leader: z.string().optional(),
});
/** JSON has 64-bit numbers as strings. */
const putSchema = z.object({ header: z.object({ revision: z.string() }) });
const rangeSchema = z.object({
  kvs: z.array(z.object({ mod_revision: z.string() })).default([]),
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

/** @param inPath puts a proxy between the members */
export async function startEtcd(
  program: string,
  dataDir: string,
  { inPath }: { readonly inPath: boolean },
): Promise<Subject> {
  const basePort = await findBasePort(memberCount);
  const supervisor = createSupervisor({
    changed: () => undefined,
    report: (line) => process.stderr.write(`${line}\n`),
  });
  const listensAt = (position: number) => basePort + peerOffset + position;
  const { processes } = supervisor;
  const network = inPath ? await openPeerNetwork({ names, listensAt, processes }) : null;
  const peerUrls = positions.map(
    (position) => `http://${host}:${network?.ports[position] ?? listensAt(position)}`,
  );
  const services = positions.map((position) =>
    etcdService({ program, dataDir, basePort, position, peerUrls }),
  );
  const urls = positions.map((position) => `http://${host}:${basePort + position}`);
  const parts = { supervisor, services, urls, network };
  mkdirSync(dataDir, { recursive: true });
  const subject = { ...clientsSide(parts), ...processSide(parts) };
  try {
    await Promise.all(services.map((service) => supervisor.start(service)));
    await Promise.all(positions.map(subject.ready));
  } catch (error) {
    await subject.stop();
    throw new StartError(`${reasonOf(error)}; see ${dataDir}/*.log`, { cause: error });
  }
  supervisor.announceEndings();
  return subject;
}

type Parts = {
  readonly supervisor: Supervisor;
  readonly services: readonly Service[];
  /** For clients. */
  readonly urls: readonly string[];
  readonly network: PeerNetwork | null;
};

function clientsSide({ supervisor, services, urls }: Parts) {
  const urlOf = (position: number) => urls[position] ?? "";
  return {
    name: "etcd",
    members: services.map(({ name }) => ({
      name,
      pid: () => supervisor.processes().find((each) => each.name === name)?.pid ?? null,
    })),
    leader: () => findLeader(urls),
    write: (position: number) => put(urlOf(position)),
    linearizableRead: (position: number) => range(urlOf(position), false),
    localRead: (position: number) => range(urlOf(position), true),
    writtenAt: (acknowledgement: unknown) =>
      Number(putSchema.parse(acknowledgement).header.revision),
    shownAt: (answer: unknown) => Number(rangeSchema.parse(answer).kvs[0]?.mod_revision ?? 0),
  };
}

function processSide({ supervisor, services, urls, network }: Parts) {
  const nameAt = (position: number) => services[position]?.name ?? "";
  return {
    network,
    async signal(position: number, signal: NodeJS.Signals) {
      supervisor.signal(nameAt(position), signal);
      if (signal === "SIGKILL") await supervisor.ended(nameAt(position));
    },
    async restart(position: number) {
      const service = services[position];
      if (service !== undefined) await supervisor.start(service);
    },
    async ready(position: number) {
      if (await becomes(() => serves(urls[position] ?? ""), readyTimeoutMs)) return;
      throw new Error(`${nameAt(position)} does not serve after ${readyTimeoutMs} ms`);
    },
    async stop() {
      await supervisor.stop(names, stopGraceMs);
      await network?.close();
    },
  };
}

function etcdService(member: {
  readonly program: string;
  readonly dataDir: string;
  readonly basePort: number;
  readonly position: number;
  /** What members advertise to each other. */
  readonly peerUrls: readonly string[];
}): Service {
  const { program, dataDir, basePort, position, peerUrls } = member;
  const name = names[position] ?? "";
  const client = `http://${host}:${basePort + position}`;
  const options = {
    name,
    "data-dir": join(dataDir, name),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": `http://${host}:${basePort + peerOffset + position}`,
    "initial-advertise-peer-urls": peerUrls[position],
    "initial-cluster": names.map((each, of) => `${each}=${peerUrls[of]}`).join(","),
    "initial-cluster-state": "new",
    "log-level": "error",
    logger: "zap",
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  const logFile = join(dataDir, `${name}.log`);
  return { name, command: { program, args, env: {}, logFile }, restartCode: null };
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

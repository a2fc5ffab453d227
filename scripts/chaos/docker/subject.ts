/** The subject of containers: the cluster of `docker compose up`, with a network for each pair. */
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf, StartError } from "../../cluster/failure.ts";
import { guestSocket, layoutOf, makeSocketDir, removeFarSockets } from "../../cluster/layout.ts";
import { logsOf } from "../../docker/containers.ts";
import type { Project } from "../../docker/project.ts";
import { type LocalDisks, openDisks, settleDisks } from "../local/disks.ts";
import { openHandOver } from "../local/handOver.ts";
import type { LocalOptions } from "../local/subject.ts";
import type { Evidence, Subject } from "../subject.ts";
import { dockerAgents } from "./agents.ts";
import { dockerChain, rpcUrlOf } from "./chain.ts";
import {
  bringDown,
  bringUp,
  buildImage,
  contractOf,
  keepLogs,
  removeImage,
  startClone,
  writeModel,
} from "./containers.ts";
import { testimonyIn } from "./evidence.ts";
import { containersLack } from "./lacks.ts";
import { dockerLinks } from "./links.ts";
import { dockerMachines, whilePaused } from "./machines.ts";
import { cloneOf, makeFolders, type Place, placeOf } from "./place.ts";
import { openRpcDoor, type RpcDoor } from "./rpcDoor.ts";

/** @throws StartError; nothing is left running then, and what the containers said is kept */
export async function startDocker(options: LocalOptions, signal: AbortSignal): Promise<Subject> {
  const { dataDir } = options;
  if (process.platform !== "linux") {
    throw new StartError("--docker needs Linux: guest agents are reached by sockets in a folder");
  }
  const undoing: Undo[] = [];
  const place = await makePlace(options, undoing);
  try {
    const parts = await startParts({ options, place, undoing, signal });
    return {
      ...(await subjectOf(parts)),
      async stop(keepDisks) {
        const left = await undoAll(undoing, keepDisks);
        const needless = [join(dataDir, "copies"), ...(keepDisks ? [] : place.cloneDisks)];
        for (const folder of needless) await rm(folder, { recursive: true, force: true });
        if (left.length > 0) throw new Error(`not everything was removed: ${left.join("; ")}`);
      },
    };
  } catch (error) {
    const left = await undoAll(undoing, false);
    const why = signal.aborted ? "the start was interrupted" : reasonOf(error);
    const said = readdirSync(place.logs).length > 0;
    const where = said ? [`what the containers said is in ${place.logs}`] : [];
    throw new StartError([why, ...left, ...where].join("\n"), { cause: error });
  }
}

type Undo = (keepDisks: boolean) => unknown;

/** In reverse. Returns what could not be undone; the rest is all the same. */
async function undoAll(undoing: Undo[], keepDisks: boolean): Promise<readonly string[]> {
  const left: string[] = [];
  for (const undo of undoing.splice(0).reverse()) {
    try {
      await undo(keepDisks);
    } catch (error) {
      left.push(reasonOf(error));
    }
  }
  return left;
}

async function makePlace(options: LocalOptions, undoing: Undo[]): Promise<Place> {
  const { dataDir, nodeCount, basePort } = options;
  const sockets = await makeSocketDir(layoutOf(join(dataDir, "cluster")));
  undoing.push(() => removeFarSockets(sockets));
  const place = placeOf({ dataDir, nodeCount, basePort, sockets });
  makeFolders(place);
  return place;
}

type Parts = {
  readonly place: Place;
  readonly project: Project;
  readonly disks: LocalDisks;
  readonly door: RpcDoor;
  /** By service. */
  readonly containers: ReadonlyMap<string, string>;
};

type Starting = {
  readonly options: LocalOptions;
  readonly place: Place;
  readonly undoing: Undo[];
  readonly signal: AbortSignal;
};

async function startParts({ options, place, undoing, signal }: Starting): Promise<Parts> {
  const id = Math.random().toString(36).slice(2, 8);
  const image = `dstack-cluster:chaos-${id}`;
  await buildImage(image, signal);
  undoing.push(() => removeImage(image));

  const door = await openRpcDoor(rpcUrlOf(place), image);
  const { proxy } = door;
  undoing.push(() => proxy?.close());
  const project = await writeModel({
    place,
    project: `dstack-chaos-${id}`,
    image,
    nodeEnvironment: options.nodeEnvironment,
    rpcUrls: proxy === null ? null : place.names.map((_, position) => proxy.urlOf(position)),
  });

  let containers: ReadonlyMap<string, string> = new Map();
  const disks = openDisks({
    folders: place.disks,
    copiesDir: join(options.dataDir, "copies"),
    whilePaused: (position, work) => whilePaused(nodeIn(containers, place, position), work),
  });
  undoing.push((keep) => settleDisks(disks, keep ? join(options.dataDir, "disks") : null));
  undoing.push(() => bringDown(project));
  undoing.push(() => keepLogs(project, place));
  await bringUp(project, place, signal);
  containers = await project.containers();
  return { place, project, disks, door, containers };
}

async function subjectOf({ place, project, disks, door, containers }: Parts) {
  const { names, urls } = place;
  const containerOf = (position: number) => nodeIn(containers, place, position);
  const contract = contractOf(place);
  const chain = await dockerChain(place, {
    container: containers.get("chain") ?? "",
    contract,
    proxy: door.proxy,
  });
  const lacks = new Map(containersLack);
  if (disks.unfillable !== null) lacks.set("full-disk", disks.unfillable);
  if (door.lacking !== null) lacks.set("rpc", door.lacking);
  return {
    nodes: names.map((name, position) => ({ name, url: urls[position] ?? "" })),
    lacks,
    machines: dockerMachines({
      place,
      containerOf,
      disks,
      startClone: (position) => startClone(project, names[position] ?? ""),
      petitioner: (position) =>
        openHandOver({
          endpoint: guestSocket(place.sockets, names[position] ?? ""),
          rpcUrl: rpcUrlOf(place),
          contract,
        }),
    }),
    disks,
    network: dockerLinks({ names, containerOf, networkOf: project.networkOf }),
    chain,
    agents: dockerAgents(place, containers.get("simulator") ?? ""),
    evidence: () => evidenceOf(place, project, chain.terms),
  };
}

function nodeIn(containers: Parts["containers"], { names }: Place, position: number): string {
  return containers.get(names[position] ?? "") ?? "";
}

async function evidenceOf(
  { names }: Place,
  project: Project,
  terms: () => Promise<readonly number[]>,
): Promise<Evidence> {
  const containers = await project.containers();
  const said = [];
  for (const name of names.flatMap((name) => [name, cloneOf(name)])) {
    const container = containers.get(name);
    if (container !== undefined) said.push(testimonyIn(name, await logsOf(container)));
  }
  return {
    offices: said.flatMap(({ offices }) => offices),
    endings: said.flatMap(({ endings }) => endings),
    terms: await terms(),
  };
}

/** The containers of a cluster under test: built, brought up, told of, and removed without a trace. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { StartError } from "../../cluster/failure.ts";
import { serves, whyNotServing } from "../../cluster/node.ts";
import { projectRoot } from "../../cluster/programs.ts";
import { becomes } from "../../cluster/wait.ts";
import { logsOf } from "../../docker/containers.ts";
import { docker } from "../../docker/docker.ts";
import { openProject, type Project } from "../../docker/project.ts";
import { bootCount } from "./evidence.ts";
import { baseSchema, clonesProfile, modelOf } from "./model.ts";
import { cloneOf, type Place } from "./place.ts";

export type ContainersOptions = {
  readonly place: Place;
  readonly project: string;
  readonly image: string;
  readonly nodeEnvironment: Readonly<Record<string, string>>;
  /** By position; `null`: nodes speak to the chain itself. */
  readonly rpcUrls: readonly string[] | null;
};

const baseFile = join(projectRoot, "compose", "cluster.yaml");
const clockPreload = fileURLToPath(new URL("../local/clock.ts", import.meta.url));
const upWithinSeconds = 180;
const startsWithinMs = 30_000;

/**
 * Of the present sources.
 *
 * @throws DockerError with what the builder said
 */
export async function buildImage(image: string, signal: AbortSignal): Promise<void> {
  await baseProject(image).compose(["build"], signal);
}

/** Its layers stay in the builder's cache. */
export async function removeImage(image: string): Promise<void> {
  await docker(["image", "rm", "--force", image]);
}

/** Writes the compose file of a project that does not run yet. */
export async function writeModel(options: ContainersOptions): Promise<Project> {
  const { place, project, image } = options;
  const base = await baseProject(image).compose(["config", "--format", "json"]);
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const model = modelOf(baseSchema.parse(JSON.parse(base)), { ...options, user, clockPreload });
  writeFileSync(place.composeFile, `${JSON.stringify(model, null, 2)}\n`);
  return openProject({ name: project, files: [place.composeFile] });
}

function baseProject(image: string): Project {
  return openProject({ name: "base", files: [baseFile], env: { CLUSTER_IMAGE: image } });
}

/**
 * Resolves once every node serves.
 *
 * @throws DockerError with what compose said, StartError with what the nodes say
 */
export async function bringUp(project: Project, { names, urls }: Place, signal: AbortSignal) {
  const bound = ["--wait-timeout", String(upWithinSeconds)];
  await project.compose(["--progress", "quiet", "up", "--detach", "--wait", ...bound], signal);
  for (const [position, url] of urls.entries()) {
    const serving = () => signal.aborted || serves(url);
    if (await becomes(serving, upWithinSeconds * 1_000)) continue;
    throw new StartError(`${names[position]} does not serve: ${await whyNotServing(url)}`);
  }
  signal.throwIfAborted();
}

/** With its networks, whatever state its containers are in. */
export async function bringDown(project: Project): Promise<void> {
  const all = ["--profile", clonesProfile];
  await project.compose([...all, "down", "--volumes", "--remove-orphans", "--timeout", "0"]);
}

/**
 * Starts a node's second container, on what lies on its disk.
 *
 * @returns docker's name of it, once its program runs
 */
export async function startClone(project: Project, node: string): Promise<string> {
  const clone = cloneOf(node);
  const earlier = (await project.containers()).get(clone);
  const before = earlier === undefined ? 0 : bootCount(await logsOf(earlier));
  await project.compose(["--profile", clonesProfile, "up", "--detach", "--no-deps", clone]);
  const container = await project.containerOf(clone);
  const runs = async () => bootCount(await logsOf(container)) > before;
  if (await becomes(runs, startsWithinMs)) return container;
  throw new Error(`${clone} has not begun ${startsWithinMs / 1_000} s after its start`);
}

/** What every container said, a file each. */
export async function keepLogs(project: Project, { logs }: Place): Promise<void> {
  for (const [service, container] of await project.containers()) {
    const { stdout, stderr } = await logsOf(container);
    writeFileSync(join(logs, `${service}.log`), `${stdout}${stderr}`);
  }
}

/** @throws Error when the set-up did not leave it */
export function contractOf({ contract }: Place): string {
  const file = join(contract, "contract.env");
  const found = /^CONTRACT_ADDRESS=(0x[0-9a-fA-F]{40})$/m.exec(readFileSync(file, "utf8"))?.[1];
  if (found === undefined) throw new Error(`${file} holds no CONTRACT_ADDRESS`);
  return found;
}

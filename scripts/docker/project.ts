/** A compose project: its commands, its containers and networks. */
import { DockerError, type DockerOptions, docker } from "./docker.ts";

export type ProjectOptions = {
  /** As in `docker compose --project-name`. */
  readonly name: string;
  /** Compose files, in order; none: compose finds them itself in `cwd`. */
  readonly files?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
};

export type Project = {
  readonly name: string;
  /**
   * Runs `docker compose` on it.
   *
   * @returns its standard output
   * @throws DockerError
   */
  compose(args: readonly string[], signal?: AbortSignal): Promise<string>;
  /** By service, in whatever state they are; of each service the first one. */
  containers(): Promise<ReadonlyMap<string, string>>;
  /** @throws DockerError naming the services that there are */
  containerOf(service: string): Promise<string>;
  /** Docker's name of one of the project's networks. */
  networkOf(key: string): string;
};

const projectLabel = "com.docker.compose.project";
const serviceLabel = "com.docker.compose.service";

export function openProject({ name, files = [], cwd, env = {} }: ProjectOptions): Project {
  const base = ["compose", "--project-name", name, ...files.flatMap((file) => ["--file", file])];
  const settings: DockerOptions = { env, ...(cwd === undefined ? {} : { cwd }) };

  async function containers(): Promise<ReadonlyMap<string, string>> {
    const format = `{{.Label "${serviceLabel}"}} {{.Names}}`;
    const filter = `label=${projectLabel}=${name}`;
    return parseContainers(await docker(["ps", "--all", "--filter", filter, "--format", format]));
  }

  return {
    name,
    compose: (args, signal) =>
      docker([...base, ...args], signal === undefined ? settings : { ...settings, signal }),
    containers,
    async containerOf(service) {
      const all = await containers();
      const container = all.get(service);
      if (container !== undefined) return container;
      const known = all.size === 0 ? "no container at all" : [...all.keys()].sort().join(", ");
      throw new DockerError(`the project ${name} has no container of ${service}; it has ${known}`);
    },
    networkOf: (key) => `${name}_${key}`,
  };
}

/** @param text a line a container: its service, its name */
export function parseContainers(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [service, container] = line.trim().split(" ");
    if (service === undefined || container === undefined) continue;
    const first = found.get(service);
    // `compose up --scale` numbers them from 1.
    if (first === undefined || container < first) found.set(service, container);
  }
  return found;
}

/** Containers with what they were made from, so that others like them can be made. */
import { z } from "zod";
import { type ContainerState, parseInspected } from "./containers.ts";
import { docker } from "./docker.ts";

export type Description = ContainerState & {
  readonly image: string;
  readonly user: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: ReadonlyMap<string, string>;
  /** By where they are mounted. */
  readonly volumes: ReadonlyMap<string, Volume>;
};

export type Volume = { readonly name: string; readonly writable: boolean };

const describedSchema = z.array(
  z.object({
    Config: z.object({
      Image: z.string(),
      User: z.string(),
      Cmd: z.array(z.string()).nullable(),
      Labels: z.record(z.string(), z.string()),
      Env: z.array(z.string()).nullable(),
    }),
    Mounts: z.array(
      z.object({
        Type: z.string(),
        Name: z.string().optional(),
        Destination: z.string(),
        RW: z.boolean(),
      }),
    ),
  }),
);

/**
 * @param filter as in `docker ps --filter`
 * @returns containers in whatever state, ascending by name
 * @throws DockerError
 */
export async function describeAll(filter: string): Promise<readonly Description[]> {
  const ids = await docker(["ps", "--all", "--quiet", "--filter", filter]);
  const found = ids.split("\n").filter((id) => id !== "");
  if (found.length === 0) return [];
  const described = parseDescribed(await docker(["container", "inspect", ...found]));
  return described.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param text what `docker container inspect` prints */
export function parseDescribed(text: string): readonly Description[] {
  const states = parseInspected(text);
  return describedSchema.parse(JSON.parse(text)).map(({ Config, Mounts }, at) => ({
    ...(states[at] as ContainerState),
    image: Config.Image,
    user: Config.User,
    command: Config.Cmd ?? [],
    labels: Config.Labels,
    environment: new Map((Config.Env ?? []).map(assignment)),
    volumes: new Map(
      Mounts.flatMap(({ Type, Name, Destination, RW }) =>
        Type === "volume" && Name !== undefined
          ? [[Destination, { name: Name, writable: RW }] as const]
          : [],
      ),
    ),
  }));
}

function assignment(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

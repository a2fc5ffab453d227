/** Containers by their names or ids: what is done to them, and what state they are in. */
import { z } from "zod";
import { docker, dockerPrinted, type Printed } from "./docker.ts";

export type ContainerState = {
  readonly name: string;
  readonly status: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
  /** Of its last end; 0 while it never ended. */
  readonly exitCode: number;
  /** By network, as docker names it: the container's address there, empty while it does not run. */
  readonly addresses: ReadonlyMap<string, string>;
};

const inspectedSchema = z.array(
  z.object({
    Name: z.string(),
    State: z.object({
      Status: z.enum(["created", "running", "paused", "restarting", "removing", "exited", "dead"]),
      ExitCode: z.number(),
    }),
    NetworkSettings: z.object({
      Networks: z.record(z.string(), z.object({ IPAddress: z.string() })),
    }),
  }),
);

/** @throws DockerError when there is no such container */
export async function stateOf(container: string): Promise<ContainerState> {
  const [state] = parseInspected(await docker(["container", "inspect", container]));
  if (state === undefined) throw new Error(`docker says nothing of ${container}`);
  return state;
}

/** @param text what `docker container inspect` prints */
export function parseInspected(text: string): readonly ContainerState[] {
  return inspectedSchema.parse(JSON.parse(text)).map(({ Name, State, NetworkSettings }) => ({
    name: Name.replace(/^\//, ""),
    status: State.Status,
    exitCode: State.ExitCode,
    addresses: new Map(
      Object.entries(NetworkSettings.Networks).map(([network, at]) => [network, at.IPAddress]),
    ),
  }));
}

/**
 * SIGKILL; resolves once it is so. Docker does not restart what it was told to kill, whatever the
 * container's restart policy.
 *
 * @throws DockerError, also when it does not run
 */
export async function kill(container: string): Promise<void> {
  await docker(["kill", container]);
  await docker(["wait", container]);
}

/** Resolves once its process is there; starting what runs already does nothing. */
export async function start(container: string): Promise<void> {
  await docker(["start", container]);
}

/** SIGTERM, and SIGKILL at the end of the grace. */
export async function stop(container: string, graceSeconds: number): Promise<void> {
  await docker(["stop", "--time", String(graceSeconds), container]);
}

/** Freezes every process of it at once, between any two instructions. */
export async function pause(container: string): Promise<void> {
  await docker(["pause", container]);
}

export async function unpause(container: string): Promise<void> {
  await docker(["unpause", container]);
}

/** All that it ever printed, over all of its starts. */
export function logsOf(container: string): Promise<Printed> {
  return dockerPrinted(["logs", container]);
}

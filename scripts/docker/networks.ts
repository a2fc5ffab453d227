/** Networks by docker's own names, which begin with the compose project's. */
import { z } from "zod";
import { docker } from "./docker.ts";

const ipamSchema = z.array(
  z.object({ IPAM: z.object({ Config: z.array(z.object({ Gateway: z.string().optional() })) }) }),
);

/**
 * Takes a container off a network: at once, and nobody is told. Established connections are left to
 * their time-outs, names that only this network knows are gone.
 *
 * @throws DockerError, also when the container is not on it
 */
export async function disconnect(network: string, container: string): Promise<void> {
  await docker(["network", "disconnect", network, container]);
}

/**
 * @param alias by which the others on that network find it: docker forgets it on a disconnect
 * @throws DockerError, also when the container is on it already
 */
export async function connect(network: string, container: string, alias: string): Promise<void> {
  await docker(["network", "connect", "--alias", alias, network, container]);
}

/** The address of the network's bridge on the host; `null` where docker knows of none. */
export async function gatewayOf(network: string): Promise<string | null> {
  const [found] = ipamSchema.parse(JSON.parse(await docker(["network", "inspect", network])));
  return found?.IPAM.Config[0]?.Gateway ?? null;
}

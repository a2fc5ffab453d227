/** A compose project of the tests' own: its name, image and ports meet no other's. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findBasePort } from "../../scripts/cluster/ports.ts";

const execute = promisify(execFile);
const outputBytesMax = 32 * 1024 * 1024;

export type Project = {
  readonly name: string;
  /** node1's, node2's, node3's. */
  readonly urls: readonly string[];
  /** Runs `docker compose` from the root, as a person does. Resolves with its standard output. */
  compose(...args: readonly string[]): Promise<string>;
  containerOf(service: string): Promise<string>;
  remove(): Promise<void>;
};

export async function openProject(): Promise<Project> {
  const id = Math.random().toString(36).slice(2, 8);
  const image = `dstack-cluster:test-${id}`;
  const basePort = await findBasePort(3);
  const ports = [basePort, basePort + 1, basePort + 2] as const;
  const name = `dstack-cluster-${id}`;
  const env = {
    ...process.env,
    COMPOSE_PROJECT_NAME: name,
    CLUSTER_IMAGE: image,
    NODE1_PORT: String(ports[0]),
    NODE2_PORT: String(ports[1]),
    NODE3_PORT: String(ports[2]),
  };
  const compose = (...args: readonly string[]) => docker(["compose", ...args], env);
  return {
    name,
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    compose,
    containerOf: async (service) => (await compose("ps", "--all", "--quiet", service)).trim(),
    async remove() {
      await compose("down", "--volumes", "--timeout", "5");
      await docker(["image", "rm", "--force", image], env);
    },
  };
}

/** Resolves with the standard output; rejects with what was printed on the other. */
export async function docker(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { stdout } = await execute("docker", args, { env, maxBuffer: outputBytesMax });
  return stdout;
}

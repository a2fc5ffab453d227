/**
 * Work on volumes, by a container that lives no longer than it takes: nodes that are down have none
 * of their own to work in.
 *
 * Copies of disks lie in the volume of the guest agents' sockets: it goes with the cluster, by
 * `docker compose down --volumes`, and a copy must not outlive the chain that it belongs to.
 */
import { nodeName } from "../../cluster/node.ts";
import { docker } from "../../docker/docker.ts";
import { type NodePart, paths } from "./parts.ts";

export type Purpose = "saved" | "clones";

export function copyPath(purpose: Purpose, number: number): string {
  return `${paths.sockets}/faults/${purpose}/${nodeName(number)}`;
}

/** Only while the node writes nothing. The new copy takes an old one's place once it is whole. */
export async function copyDisk(node: NodePart, purpose: Purpose): Promise<void> {
  const to = copyPath(purpose, node.number);
  const next = `${to}.next`;
  await workOn(node, [
    `rm -rf ${next}`,
    `mkdir -p ${next}`,
    `cp -a ${paths.data}/. ${next}`,
    // The lock is the running process's own, and says nothing about the data.
    `find ${next} -name lock -delete -o -name lock.holder -delete`,
    `rm -rf ${to}`,
    `mv ${next} ${to}`,
  ]);
}

export async function isSaved(node: NodePart): Promise<boolean> {
  const path = copyPath("saved", node.number);
  return (await workOn(node, [`if [ -d ${path} ]; then echo saved; fi`])).trim() === "saved";
}

/** Only while the node is down. */
export async function emptyDisk(node: NodePart): Promise<void> {
  await workOn(node, [`find ${paths.data} -mindepth 1 -delete`]);
}

/** Only while the node is down. */
export async function restoreDisk(node: NodePart): Promise<void> {
  const saved = copyPath("saved", node.number);
  await workOn(node, [`find ${paths.data} -mindepth 1 -delete`, `cp -a ${saved}/. ${paths.data}`]);
}

/**
 * @param steps of a shell, each only after those before it succeeded
 * @returns what they print
 * @throws DockerError
 */
export function workOn(node: NodePart, steps: readonly string[]): Promise<string> {
  const mounts = mountsOf(node);
  const confined = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--user", node.user];
  const script = steps.join(" && ");
  return docker(["run", "--rm", ...confined, ...mounts, node.image, "sh", "-c", script]);
}

/** All that the node has, where it has it. */
export function mountsOf({ volumes }: NodePart): readonly string[] {
  return [...volumes].flatMap(([path, { name, writable }]) => [
    "--volume",
    `${name}:${path}${writable ? "" : ":ro"}`,
  ]);
}

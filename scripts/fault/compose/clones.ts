/** Second containers of members that run already. */
import { cloneName } from "../../cluster/control/faults.ts";
import { ChangeError } from "../../cluster/failure.ts";
import { nodeName } from "../../cluster/node.ts";
import { start } from "../../docker/containers.ts";
import { docker } from "../../docker/docker.ts";
import { connect } from "../../docker/networks.ts";
import type { CloneFaults } from "../breakable.ts";
import { labels, meshName, type NodePart, nodeIn, type Parts } from "./parts.ts";
import { copyDisk, copyPath, mountsOf } from "./volumes.ts";

export type ClonesOptions = {
  readonly project: string;
  readonly partsNow: () => Promise<Parts>;
  readonly networks: { readonly mesh: string; readonly back: string };
  readonly say: (line: string) => void;
};

export function containerClones(options: ClonesOptions): CloneFaults {
  const { project, partsNow, networks, say } = options;
  const nameOf = (number: number) => `${project}-${cloneName(number)}`;
  return {
    async prepare(number) {
      const parts = await partsNow();
      if (parts.clones.some((clone) => clone.number === number && clone.status === "running")) {
        throw new ChangeError(`${cloneName(number)} runs already; heal ends it`);
      }
      await copyDisk(nodeIn(parts, number), "clones");
    },
    async start(number) {
      const parts = await partsNow();
      // One that has ended by itself is still there.
      for (const old of parts.clones.filter((clone) => clone.number === number)) {
        await docker(["rm", "--force", old.name]);
      }
      const node = nodeIn(parts, number);
      await docker(creationOf(node, nameOf(number), networks.back));
      // By the very name of its original: docker gives whoever asks for it both addresses in turn.
      await connect(networks.mesh, nameOf(number), meshName(node));
      await start(nameOf(number));
      say(`${cloneName(number)} started beside ${nodeName(number)}`);
    },
    async endAll() {
      for (const { name, number } of (await partsNow()).clones) {
        await docker(["rm", "--force", name]);
        say(`${cloneName(number)} ended`);
      }
    },
  };
}

/** As compose made the original, but for its disk, and nothing is published of it. */
function creationOf(node: NodePart, name: string, network: string): readonly string[] {
  // `docker compose down` removes it with the others, and `up` as one too many.
  const given = { ...node.labels, [labels.number]: "2", [labels.clone]: "yes" };
  const environment = new Map([...node.environment, ["DATA_DIR", copyPath("clones", node.number)]]);
  return [
    ...["create", "--name", name, "--network", network, "--user", node.user],
    ...["--read-only", "--tmpfs", "/tmp:size=64m", "--cap-drop", "ALL"],
    ...["--security-opt", "no-new-privileges:true"],
    ...Object.entries(given).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...[...environment].flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    ...mountsOf(node),
    node.image,
    ...node.command,
  ];
}

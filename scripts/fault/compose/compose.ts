/** The cluster that `docker compose up` runs: what is done to it, docker does. */
import { nodeName } from "../../cluster/node.ts";
import { kill, pause, start, unpause } from "../../docker/containers.ts";
import { openProject } from "../../docker/project.ts";
import type { Breakable, DiskFaults, NodeFaults } from "../breakable.ts";
import { noSavedDisk } from "../processes/disks.ts";
import { containerAgents } from "./agents.ts";
import { containerChain, petition } from "./chain.ts";
import { containerClones } from "./clones.ts";
import { containerLevers } from "./levers.ts";
import { type NodePart, nodeIn, partsOf } from "./parts.ts";
import { lookAt } from "./sight.ts";
import { copyDisk, emptyDisk, isSaved, restoreDisk } from "./volumes.ts";

type Say = (line: string) => void;

/** @throws ChangeError when the project's containers are none of a cluster */
export async function openCompose(project: string, say: Say): Promise<Breakable> {
  const parts = await partsOf(project);
  const partsNow = () => partsOf(project);
  const { networkOf } = openProject({ name: project });
  const [mesh, back] = [networkOf("mesh"), networkOf("back")];
  // Names and volumes do not change while docker only starts and stops containers.
  const node = (number: number) => nodeIn(parts, number);
  return {
    look: async () => lookAt(await partsNow(), mesh),
    nodes: containerNodes(node, say),
    clones: containerClones({ project, partsNow, networks: { mesh, back }, say }),
    disks: containerDisks(node, say),
    chain: containerChain(parts, say),
    agents: containerAgents({ partsNow, say }),
    ...containerLevers({ partsNow, mesh, say }),
    handOver: (leader, successor) => petition(parts, leader, successor),
  };
}

type FindNode = (number: number) => NodePart;

function containerNodes(node: FindNode, say: Say): NodeFaults {
  const doing =
    (act: (container: string) => Promise<void>, done: string) => async (number: number) => {
      await act(node(number).name);
      say(`${nodeName(number)} ${done}`);
    };
  return {
    kill: doing(kill, "killed"),
    start: doing(start, "started"),
    pause: doing(pause, "paused"),
    resume: doing(unpause, "resumed"),
  };
}

function containerDisks(node: FindNode, say: Say): DiskFaults {
  return {
    async save(number) {
      await copyDisk(node(number), "saved");
      say(`${nodeName(number)}'s disk kept, until \`docker compose down --volumes\``);
    },
    async requireSaved(number) {
      if (!(await isSaved(node(number)))) throw noSavedDisk(number);
    },
    restore: (number) => restoreDisk(node(number)),
    wipe: (number) => emptyDisk(node(number)),
  };
}

/** The containers of a compose project that is a cluster, found by what compose wrote on them. */

import { ChangeError } from "../../cluster/failure.ts";
import { nodeName } from "../../cluster/node.ts";
import { type Description, describeAll } from "../../docker/descriptions.ts";
import { docker } from "../../docker/docker.ts";

export const labels = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  folder: "com.docker.compose.project.working_dir",
  /** Of the containers of one service, from 1. */
  number: "com.docker.compose.container-number",
  /** On a clone: our own, for to compose it is one more container of its node's service. */
  clone: "dstack-cluster.clone",
} as const;

/** As `compose/cluster.yaml` mounts them. */
export const paths = {
  data: "/data",
  sockets: "/cluster/sockets",
  contractFile: "/cluster/contract/contract.env",
} as const;

export type NodePart = Description & { readonly number: number };

export type Parts = {
  /** Ascending by number. */
  readonly nodes: readonly NodePart[];
  readonly clones: readonly NodePart[];
  readonly chain: Description;
  readonly simulator: Description;
};

/** @throws ChangeError when the project has no such containers */
export async function partsOf(project: string): Promise<Parts> {
  return partsAmong(await describeAll(`label=${labels.project}=${project}`), project);
}

/** @throws ChangeError when some are missing that make a cluster */
export function partsAmong(all: readonly Description[], project: string): Parts {
  const isClone = (part: Description) => part.labels[labels.clone] !== undefined;
  const [clones, own] = [all.filter(isClone), all.filter((part) => !isClone(part))];
  const service = (name: string) => {
    const found = own.find((part) => part.labels[labels.service] === name);
    if (found !== undefined) return found;
    throw new ChangeError(
      `the compose project ${project} has no container of ${name}; \`docker compose ls\` shows ` +
        "what runs, `docker compose up --wait` starts a cluster",
    );
  };
  return {
    nodes: nodesAmong(own),
    clones: nodesAmong(clones),
    chain: service("chain"),
    simulator: service("simulator"),
  };
}

/** Names of projects of this folder of which something runs. */
export async function projectsIn(folder: string): Promise<readonly string[]> {
  const filter = `label=${labels.folder}=${folder}`;
  const format = `{{.Label "${labels.project}"}}`;
  const text = await docker(["ps", "--filter", filter, "--format", format]);
  return [...new Set(text.split("\n").filter((name) => name !== ""))].sort();
}

/** @throws ChangeError */
export function nodeIn({ nodes }: Parts, number: number): NodePart {
  const node = nodes.find((each) => each.number === number);
  if (node !== undefined) return node;
  const names = nodes.map((each) => nodeName(each.number)).join(", ");
  throw new ChangeError(`${nodeName(number)} is unknown; expected one of ${names}`);
}

/** By which the other members find it. */
export function meshName({ environment }: NodePart): string {
  return environment.get("PEER_ENDPOINT")?.split(":")[0] ?? "";
}

function nodesAmong(parts: readonly Description[]): readonly NodePart[] {
  return parts
    .flatMap((part) => {
      const [, digits] = /^node(\d+)$/.exec(part.labels[labels.service] ?? "") ?? [];
      return digits === undefined ? [] : [{ ...part, number: Number(digits) }];
    })
    .sort((a, b) => a.number - b.number);
}

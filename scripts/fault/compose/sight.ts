/** A cluster of containers, as docker and the nodes show it. */
import { headOf } from "../../chaos/local/chain.ts";
import { clonedMark } from "../../cluster/control/faults.ts";
import type { Description } from "../../docker/descriptions.ts";
import { docker } from "../../docker/docker.ts";
import { agentlessMark, cutOffMark, lookAtNode, type NodeSight, type Sight } from "../sight.ts";
import { castEndpoint } from "./cast.ts";
import { type NodePart, type Parts, paths } from "./parts.ts";

/** @param mesh docker's name of the network that members speak on */
export async function lookAt(parts: Parts, mesh: string): Promise<Sight> {
  const agents = await numbersWithAgent(parts.simulator);
  const [nodes, head] = await Promise.all([
    Promise.all(
      parts.nodes.map((node) => {
        const clone = parts.clones.find(({ number }) => number === node.number);
        const marks = [
          ...(agents.has(node.number) ? [] : [agentlessMark]),
          ...(node.addresses.has(mesh) ? [] : [cutOffMark]),
          ...(clone?.status === "running" ? [clonedMark] : []),
        ];
        return lookAtNode({ ...seenOf(node), marks });
      }),
    ),
    parts.chain.status === "running"
      ? headOf(castEndpoint(parts.chain.name)).catch(() => null)
      : null,
  ]);
  return { nodes, head };
}

function seenOf({ number, environment, status }: NodePart) {
  return { number, url: environment.get("ENDPOINT") ?? "", process: processOf(status) };
}

function processOf(status: Description["status"]): NodeSight["process"] {
  if (status === "paused") return "paused";
  return status === "running" ? "runs" : "down";
}

/** Numbers of the nodes whose guest agent's socket is where it should be. */
async function numbersWithAgent({ name, status }: Description): Promise<ReadonlySet<number>> {
  if (status !== "running") return new Set();
  const script = `ls ${paths.sockets}/node*/dstack.sock 2>/dev/null || true`;
  const found = (await docker(["exec", name, "sh", "-c", script])).matchAll(/\/node(\d+)\//g);
  return new Set([...found].map(([, digits]) => Number(digits)));
}

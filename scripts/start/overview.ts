/** What a person sees once the cluster runs: what runs where, and what to try. */
import { relative } from "node:path";
import { columns } from "../cluster/columns.ts";
import type { Cluster } from "../cluster/handle.ts";

export function overviewOf(cluster: Cluster, ending: string): string {
  const { rpcUrl, deployment, layout } = cluster;
  const present = new Set(cluster.positions());
  const nodes = cluster.nodes.filter((_, position) => present.has(position));
  const pids = new Map(cluster.processes().map(({ name, pid }) => [name, String(pid)]));
  const row = (name: string, where: string) => [
    name,
    where,
    pids.get(name) ?? "-",
    shorter(layout.log(name)),
  ];
  const rows = [
    ["part", "where", "pid", "log"],
    row("chain", rpcUrl),
    row("simulator", `${nodes.length} sockets`),
    ...nodes.map(({ name, url }) => row(name, url)),
  ];
  return [
    "",
    ...columns(rows).map((line) => `  ${line}`),
    "",
    `  contract ${deployment.contract} on chain ${deployment.chainId}`,
    `  data in ${shorter(layout.dataDir)}, logs in ${shorter(layout.logDir)}`,
    "",
    "Try:",
    ...thingsToTry(nodes.map(({ url }) => url)).map((line) => `  ${line}`),
    "",
    ending,
  ].join("\n");
}

function thingsToTry(urls: readonly string[]): readonly string[] {
  const at = (position: number) => urls[position % urls.length];
  return [
    `curl -X POST ${at(0)}/increment`,
    `curl '${at(1)}/counter?consistency=linearizable'`,
    `curl ${at(2)}/status`,
  ];
}

function shorter(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}

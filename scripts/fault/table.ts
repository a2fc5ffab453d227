/** A cluster before and after, line below line. */
import { columns } from "../cluster/columns.ts";
import { nodeName } from "../cluster/node.ts";
import type { NodeSight, Sight } from "./sight.ts";

const troubleLengthMax = 70;
const headings = ["process", "role", "term", "leader", "commit", "health"];

/** @param after `null`: only how it is */
export function tableOf(before: Sight, after: Sight | null): string {
  const sights = after === null ? [before] : [before, after];
  const moments = after === null ? ["now"] : ["before", "after"];
  const rows = before.nodes.flatMap(({ number }) =>
    sights.map((sight, at) => {
      const node = sight.nodes.find((each) => each.number === number);
      const cells = node === undefined ? ["has left"] : cellsOf(node, sight.nodes);
      return [at === 0 ? nodeName(number) : "", moments[at] ?? "", ...cells];
    }),
  );
  const chain = sights.map((sight, at) => [
    at === 0 ? "chain" : "",
    moments[at] ?? "",
    sight.head === null ? "does not answer" : `block ${sight.head}`,
  ]);
  const table = columns([["", "", ...headings], ...rows]);
  return [...table, "", ...columns(chain)].map((line) => `  ${line}`.trimEnd()).join("\n");
}

function cellsOf(node: NodeSight, nodes: readonly NodeSight[]): readonly string[] {
  const { process, status, trouble, marks } = node;
  const done = marks.length === 0 ? "" : ` (${marks.map(({ text }) => text).join(", ")})`;
  const health = process === "runs" ? (trouble ?? "serves") : "-";
  const leader = nodes.find(({ url }) => url === status?.leader?.endpoint);
  return [
    process,
    status?.role ?? "-",
    String(status?.term ?? "-"),
    leader === undefined ? "-" : nodeName(leader.number),
    String(status?.commitIndex ?? "-"),
    shortened(health) + done,
  ];
}

function shortened(text: string): string {
  return text.length <= troubleLengthMax ? text : `${text.slice(0, troubleLengthMax - 1)}…`;
}

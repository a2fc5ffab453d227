/** The nodes in the record: who is added, what becomes known of them, who is struck off. */
import type { Context } from "../context.ts";
import { ChangeError } from "../failure.ts";
import { nodeName } from "../node.ts";
import { nodeCountMax, nodeNumberMax, nodePortsOf, portsOfNode, requireFree } from "../ports.ts";
import { numbersIn, type RecordedNode } from "../record.ts";

/**
 * Gives out the next number, on ports that are free.
 *
 * @throws ChangeError when there is room for no more nodes
 * @throws StartError naming the ports that are in use
 */
export async function enrolNode({ record, update }: Context): Promise<number> {
  const { nodes, lastNumber, basePort } = record();
  if (nodes.length >= nodeCountMax) {
    throw new ChangeError(
      `there are ${nodes.length} nodes, the most that one machine runs at once`,
    );
  }
  if (lastNumber >= nodeNumberMax) {
    throw new ChangeError(
      `all numbers up to ${nodeNumberMax} were given out, and none is given again; ` +
        "a new cluster begins anew with 1",
    );
  }
  const number = lastNumber + 1;
  const ports = portsOfNode(nodePortsOf(basePort, number));
  await requireFree(ports, `free them: they are ${nodeName(number)}'s`);
  const node: RecordedNode = { number, wallet: null, leaving: false };
  await update({ nodes: [...record().nodes, node], lastNumber: number });
  return number;
}

/** @throws ChangeError naming who there is */
export function requireNode({ record }: Context, number: number): RecordedNode {
  const { nodes, lastNumber } = record();
  const node = nodes.find((each) => each.number === number);
  if (node !== undefined) return node;
  const list = numbersIn(record()).map(nodeName).join(", ");
  const why = number <= lastNumber ? "has left, or never came in" : "is unknown";
  throw new ChangeError(`${nodeName(number)} ${why}; expected one of ${list}`);
}

export function noteNode(
  { record, update }: Context,
  number: number,
  change: Partial<Pick<RecordedNode, "wallet" | "leaving">>,
): Promise<void> {
  const nodes = record().nodes.map((node) =>
    node.number === number ? { ...node, ...change } : node,
  );
  return update({ nodes });
}

/** Its number stays taken. */
export function strikeNode({ record, update }: Context, number: number): Promise<void> {
  return update({ nodes: record().nodes.filter((node) => node.number !== number) });
}

/** What makes a frontier one of a snapshot's: the rest of the log's tree is built on it. */
import { type Frontier, isFrontier } from "../consensus/merkle.ts";

export function covers(frontier: Frontier, index: number): boolean {
  return frontier.size === index && isFrontier(frontier);
}

/** The network between containers: each pair of nodes has one, and is parted by leaving it. */
import { connect, disconnect } from "../../docker/networks.ts";
import type { Network } from "../subject.ts";
import { shapingIsLacking } from "./lacks.ts";
import { aliasOf, linkOf } from "./place.ts";

export type LinksOptions = {
  readonly names: readonly string[];
  /** Docker's name of the container at that position. */
  readonly containerOf: (position: number) => string;
  /** Docker's name of one of the project's networks. */
  readonly networkOf: (key: string) => string;
};

export function dockerLinks({ names, containerOf, networkOf }: LinksOptions): Network {
  const lacking = (): never => {
    throw new Error(shapingIsLacking);
  };
  return {
    async part(side, other) {
      const parted = pairsOf(side, other).map(([leaving, from]) => ({
        network: networkOf(linkOf(leaving, from)),
        container: containerOf(leaving),
        alias: aliasOf(names[leaving] ?? ""),
      }));
      await Promise.all(parted.map(({ network, container }) => disconnect(network, container)));
      return async () => {
        await Promise.all(
          parted.map(({ network, container, alias }) => connect(network, container, alias)),
        );
      };
    },
    link: lacking,
    reset: lacking,
  };
}

/** Who leaves which network: of each pair the one of the smaller side. */
export function pairsOf(
  side: readonly number[],
  other: readonly number[],
): readonly (readonly [leaving: number, from: number])[] {
  const [few, many] = side.length <= other.length ? [side, other] : [other, side];
  return few.flatMap((leaving) => many.map((from) => [leaving, from] as const));
}

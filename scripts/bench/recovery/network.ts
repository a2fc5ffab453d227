/**
 * A proxy in every path between a subject's members, so that a partition is the same act whatever
 * the members are.
 *
 * Linux only: its /proc says which member dials.
 */

import { openLink } from "../../chaos/net/link.ts";
import { ownerOf, ownersAreKnown } from "../../chaos/net/owner.ts";
import { startPeerProxy } from "../../chaos/net/peerProxy.ts";
import { StartError } from "../../cluster/failure.ts";
import { host } from "../../cluster/ports.ts";

export type PeerNetwork = {
  /** By position: the port that a member advertises to the others. */
  readonly ports: readonly number[];
  /**
   * From now on nothing passes between that member and the others, and nobody is told: bytes wait
   * where a real network would send them again.
   */
  cutOff(position: number): void;
  /** What waits passes, in order; all links are open. */
  mend(): void;
  close(): Promise<void>;
};

export type PeerNetworkOptions = {
  /** Of the members, by position. */
  readonly names: readonly string[];
  /** Where a member listens behind the proxy. */
  readonly listensAt: (position: number) => number;
  /** Those that run now; others than members are among them. */
  readonly processes: () => readonly { readonly name: string; readonly pid: number }[];
};

/** @throws StartError where it cannot be told which member dials */
export async function openPeerNetwork(options: PeerNetworkOptions): Promise<PeerNetwork> {
  const { names, listensAt, processes } = options;
  if (!ownersAreKnown) throw new StartError("--recovery needs Linux: its /proc says who dials");
  const proxy = await startPeerProxy({
    host,
    count: names.length,
    listensAt,
    dialler(ports) {
      const members = processes().filter(({ name }) => names.includes(name));
      const owner = ownerOf(
        ports,
        members.map(({ pid }) => pid),
      );
      const name = members.find(({ pid }) => pid === owner)?.name;
      return name === undefined ? null : names.indexOf(name);
    },
  });

  function setLinks(isCut: (from: number, to: number) => boolean): void {
    for (const from of names.keys()) {
      for (const to of names.keys()) {
        if (from !== to) proxy.link(from, to).set({ ...openLink, cut: isCut(from, to) });
      }
    }
  }

  return {
    ports: proxy.ports,
    cutOff: (position) => setLinks((from, to) => from === position || to === position),
    mend: () => setLinks(() => false),
    close: proxy.close,
  };
}

/**
 * The peer channels of one process, as its transport keeps them: one to whichever boot answers at
 * each site that it knows. Reviewed now and then, so that channels open and close late, as real ones.
 */
import type { Boot } from "../../node/src/consensus/ids.ts";
import { membersInPlay } from "../../node/src/consensus/peers.ts";
import type { Replica } from "../../node/src/consensus/replica.ts";
import { siteOf } from "./names.ts";
import type { Process } from "./process.ts";

export type Channels = {
  /** True when messages for `boot` can leave. */
  reaches(boot: Boot): boolean;
  review(): void;
};

/** @param answering who answers at a site; null: nobody that this process reaches */
export function createChannels(
  process: Process,
  answering: (site: number) => Boot | null,
): Channels {
  const open = new Map<number, Boot>();

  function review(): void {
    const known = sitesKnownTo(process.replica());
    for (const [site, present] of open) {
      if (known.has(site) && answering(site)?.bootKey === present.bootKey) continue;
      open.delete(site);
      process.input({ kind: "disconnected", boot: present });
    }
    for (const site of known) {
      if (site === process.site || open.has(site)) continue;
      const boot = answering(site);
      if (boot === null) continue;
      open.set(site, boot);
      process.input({ kind: "connected", boot });
    }
  }

  return {
    review,
    reaches({ member, bootKey }) {
      for (const boot of open.values()) {
        if (boot.bootKey === bootKey && boot.member === member) return true;
      }
      return false;
    },
  };
}

/**
 * Whom the door lets in and the transport dials: members and pending members by the view, and the
 * members of rosters that may still matter.
 */
export function sitesKnownTo(replica: Replica): ReadonlySet<number> {
  const { view } = replica;
  if (view === null) return new Set();
  const listed = [...view.roster.members, ...view.pending].map(({ id }) => id);
  return new Set([...listed, ...membersInPlay(replica)].map(siteOf));
}

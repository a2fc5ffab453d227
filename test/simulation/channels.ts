/**
 * The peer channels of one process, as its transport keeps them: one to whichever boot answers at
 * each member's address. Reviewed now and then, so that channels open and close late, as real ones.
 */
import type { Boot } from "../../node/src/consensus/ids.ts";
import type { Process } from "./process.ts";

export type Channels = {
  /** True when messages for `boot` can leave. */
  reaches(boot: Boot): boolean;
  review(): void;
};

export function createChannels(
  process: Process,
  options: {
    readonly memberCount: number;
    /** Who answers at the address of `slot`; null: nobody that this process reaches. */
    readonly answering: (slot: number) => Boot | null;
  },
): Channels {
  const open = new Map<number, Boot>();

  function review(): void {
    for (let slot = 0; slot < options.memberCount; slot += 1) {
      if (slot === process.slot) continue;
      const present = open.get(slot);
      const answering = options.answering(slot);
      if (present !== undefined && present.bootKey !== answering?.bootKey) {
        open.delete(slot);
        process.input({ kind: "disconnected", boot: present });
      } else if (present === undefined && answering !== null) {
        open.set(slot, answering);
        process.input({ kind: "connected", boot: answering });
      }
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

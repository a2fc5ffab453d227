/** The nodes' wall clocks. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setClock, withClock } from "../../chaos/local/clocks.ts";
import type { Command } from "../../cluster/child.ts";
import type { Mark } from "../../cluster/control/words.ts";
import { nodeName } from "../../cluster/node.ts";
import { signedDuration } from "../duration.ts";

export type Clocks = {
  adapt(number: number, command: Command): Command;
  /** @param offMs by how much it is ahead; 0 is right */
  set(number: number, offMs: number): Promise<void>;
  mend(): Promise<void>;
  marksOn(number: number): readonly Mark[];
};

/** @param folder made once a clock is set */
export function createClocks(folder: string): Clocks {
  const offsets = new Map<number, number>();
  const fileOf = (number: number) => join(folder, `${nodeName(number)}.clock`);

  async function set(number: number, offMs: number): Promise<void> {
    await mkdir(folder, { recursive: true });
    await setClock(fileOf(number), offMs);
    offsets.set(number, offMs);
  }

  return {
    adapt: (number, command) => withClock(command, fileOf(number)),
    set,
    async mend() {
      for (const number of offsets.keys()) await set(number, 0);
    },
    marksOn(number) {
      const offMs = offsets.get(number) ?? 0;
      return offMs === 0 ? [] : [{ text: `clock ${signedDuration(offMs)}`, hampers: false }];
    },
  };
}

/**
 * How one process writes: in groups, and what must be durable first waits. The same rules as the
 * runner's: while a write is under way the next group gathers, and a `durable` send leaves only
 * after every persist before it.
 */
import type { Persist, Send, Write } from "../../node/src/consensus/effect.ts";
import { term } from "../../node/src/consensus/ids.ts";
import type { Persisted } from "../../node/src/consensus/input.ts";
import type { Replica } from "../../node/src/consensus/replica.ts";
import { applyWrite, type Disk, tear } from "./disk.ts";
import type { Random } from "./random.ts";

type Group = { readonly writes: Write[]; readonly sends: Send[]; persisted: Persisted };

export type Writer = {
  persist(effect: Persist, replica: Replica): void;
  send(effect: Send): void;
  /** Starts the next write, unless one is under way. */
  flush(): void;
  /** The machine died: what was not durable is lost, but for a torn part. */
  crash(random: Random): void;
};

export type WriterOptions = {
  readonly disk: Disk;
  readonly writeMs: () => number;
  readonly after: (delayMs: number, run: () => void) => void;
  readonly send: (effect: Send) => void;
  readonly report: (persisted: Persisted) => void;
};

export function createWriter({ disk, writeMs, after, send, report }: WriterOptions): Writer {
  let gathering: Group | null = null;
  let underWay: Group | null = null;
  let dead = false;

  function flush(): void {
    if (gathering === null || underWay !== null || dead) return;
    const group = gathering;
    underWay = group;
    gathering = null;
    after(writeMs(), () => finish(group));
  }

  function finish(group: Group): void {
    if (dead) return;
    for (const write of group.writes) applyWrite(disk, write);
    underWay = null;
    for (const effect of group.sends) send(effect);
    report(group.persisted);
    flush();
  }

  return {
    persist({ writes }, { log, promised }) {
      const persisted: Persisted = {
        kind: "persisted",
        promisedTerm: promised?.term ?? term(0),
        lastIndex: log.last.index,
        lastHash: log.last.hash,
      };
      gathering ??= { writes: [], sends: [], persisted };
      gathering.writes.push(...writes);
      gathering.persisted = persisted;
    },
    send(effect) {
      const group = gathering ?? underWay;
      if (effect.after === "now" || group === null) send(effect);
      else group.sends.push(effect);
    },
    flush,
    crash(random) {
      dead = true;
      const lost = [...(underWay?.writes ?? []), ...(gathering?.writes ?? [])];
      tear(disk, lost, random);
    },
  };
}

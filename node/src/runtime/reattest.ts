/**
 * Judges boots again and again: what the contract's lists and the collateral said yesterday may no
 * longer hold. Tells who is refused by now, whether it was found here or at the door.
 *
 * Safety assumes nothing of this file: no quorum depends on a verdict (protocol.md, 2.4).
 * Liveness assumes: the chain and the collateral can be reached now and then; until they can, verdicts
 * stay as they are.
 */
import type { BootKey } from "../consensus/ids.ts";
import type { Verdict, Verdicts } from "./attestation.ts";
import type { ChainView, Log } from "./ports.ts";

export type ReattestOptions = {
  readonly verdicts: Pick<Verdicts, "of" | "refused" | "renew">;
  readonly everyMs: number;
  /** Boots that have a channel, or a place on the roster or in the log. */
  readonly inUse: () => ReadonlySet<BootKey>;
  /** Whether what the contract admits changed in these blocks, both included. */
  readonly policyChanged: (from: bigint, to: bigint) => Promise<boolean>;
  /** Told all that are refused, whenever these are others than before. */
  readonly onRefused: (refused: readonly BootKey[]) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Between two rounds that changes of lists ask for, whoever makes these up. */
  readonly pauseMs?: number;
  /** Between two looks at what the door has refused. */
  readonly lookMs?: number;
};

export type Reattest = {
  /** To be told of every view that was read. */
  onView(view: Pick<ChainView, "block">): void;
  /** Resolves when the signal has ended it and nothing is under way. */
  readonly ended: Promise<void>;
};

export function keepAttesting(options: ReattestOptions): Reattest {
  const { everyMs, policyChanged, log, signal, pauseMs = 1_000, lookMs = 500 } = options;
  const publish = publisher(options);
  let seen: bigint | null = null;
  let isDue = false;
  let wake: () => void = () => undefined;
  const looking = setInterval(publish, lookMs);

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await until(() => isDue, everyMs);
      if (signal.aborted) return;
      isDue = false;
      await renew(options);
      publish();
      await until(() => false, pauseMs);
    }
  }

  /** Until it holds, when woken; for `ms` at most. */
  function until(holds: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        if (!holds() && !signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
      wake();
    });
  }

  function onView({ block }: Pick<ChainView, "block">): void {
    const before = seen;
    if (before !== null && block.number <= before) return;
    seen = block.number;
    if (before === null) return;
    policyChanged(before + 1n, block.number).then(
      (changed) => {
        if (!changed || signal.aborted) return;
        log.info({ block: block.number.toString() }, "what the contract admits has changed");
        isDue = true;
        wake();
      },
      (error: Error) => log.debug({ error: error.message }, "changes of lists were not looked up"),
    );
  }

  signal.addEventListener("abort", () => wake(), { once: true });
  return { onView, ended: run().finally(() => clearInterval(looking)) };
}

async function renew({ verdicts, inUse, log }: ReattestOptions): Promise<void> {
  const used = inUse();
  try {
    await verdicts.renew((bootKey) => used.has(bootKey));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ reason }, "boots could not be judged again: verdicts stay as they are");
  }
}

function publisher({ verdicts, onRefused, log }: ReattestOptions): () => void {
  let known: ReadonlySet<BootKey> = new Set();
  return () => {
    const refused = verdicts.refused();
    const isSame = refused.length === known.size && refused.every((key) => known.has(key));
    if (isSame) return;
    for (const bootKey of refused) {
      const verdict = verdicts.of(bootKey);
      if (!known.has(bootKey) && verdict !== null) tell(log, verdict);
    }
    known = new Set(refused);
    onRefused(refused);
  };
}

function tell(log: Log, verdict: Verdict): void {
  if (verdict.kind !== "refused") return;
  const { fault, reason, proof } = verdict;
  const { wallet, bootKey } = proof;
  log.warn({ wallet, bootKey, fault }, `attestation refuses a boot: ${reason}`);
}

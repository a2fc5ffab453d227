/**
 * Keeps collateral at hand: in memory, on disk, and from the PCCS while that answers.
 *
 * Safety assumes: nothing of PCCS, network or disk. What is not signed, or was signed before what
 * is at hand, is not taken; what is signed is used until its end, and a grace period longer only
 * while no other can be had. A host that cuts its node off can hold back news of a revocation for as
 * long, and no longer.
 * Liveness assumes: the PCCS answers now and then, at least once in that time.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../runtime/ports.ts";
import type { Certificate } from "./certificates.ts";
import {
  type CheckedCollateral,
  type Collateral,
  checkCollateral,
  collateralSchema,
} from "./collateral.ts";
import { fetchCollateral, type Model } from "./pccs.ts";
import { QuoteError, unverifiable } from "./quote.ts";

export type UsableCollateral = Kept & {
  /** The time to verify at: now, or the collateral's own end during the grace period. */
  readonly atMs: number;
};
export type CollateralStore = {
  /**
   * @param nowMs milliseconds since the Unix epoch
   * @throws QuoteError quote.unverifiable
   */
  usable(model: Model, nowMs: number): Promise<UsableCollateral>;
};

export type CollateralStoreOptions = {
  readonly pccsUrl: string;
  readonly root: Certificate;
  /** Made when it is not there. */
  readonly directory: string;
  readonly graceMs: number;
  /** How old what is at hand may grow before it is asked for again. */
  readonly refreshAfterMs: number;
  readonly log: Log;
  /** Milliseconds that only grow. */
  readonly clockMs?: () => number;
  readonly fetchMsMax?: number;
};

type Kept = { readonly collateral: Collateral; readonly checked: CheckedCollateral };
type Shelf = {
  kept: Kept | null;
  triedMs: number;
  /** Of the last attempt. */
  failure: string | null;
  /** Attempts that failed in a row. */
  failures: number;
  attempt: Promise<void> | null;
};

const retryAfterMsMin = 1_000;
const retryAfterMsMax = 30_000;
/** One is right for a homogeneous cluster; certified models are few. */
const shelvesMax = 64;

export function createCollateralStore(options: CollateralStoreOptions): CollateralStore {
  const { root, graceMs, refreshAfterMs, log } = options;
  const { clockMs = () => performance.now(), fetchMsMax = 8_000 } = options;
  const disk = createDisk(options);
  const shelfOf = createShelves();

  async function usable(asked: Model, nowMs: number): Promise<UsableCollateral> {
    // Whoever asks may hand in all that is known of a platform: logs name its model alone.
    const model: Model = { fmspc: asked.fmspc, authority: asked.authority };
    const shelf = shelfOf(model);
    const isNew = shelf.triedMs === Number.NEGATIVE_INFINITY;
    const isOver = shelf.kept === null || nowMs > shelf.kept.checked.validToMs;
    const waitMs = Math.min(retryAfterMsMin * 2 ** (shelf.failures - 1), retryAfterMsMax);
    const dueMs = shelf.failures > 0 || isOver ? waitMs : refreshAfterMs;
    if (clockMs() - shelf.triedMs >= dueMs) shelf.attempt ??= attempt(model, shelf);
    // The news can wait for the next time when what is at hand was fetched by this process.
    if (isNew || isOver) await shelf.attempt;
    const usable = chosen(shelf, model, { nowMs, graceMs });
    if (usable.atMs < nowMs)
      log.warn({ ...model, failure: shelf.failure }, "old collateral is used");
    return usable;
  }

  async function attempt(model: Model, shelf: Shelf): Promise<void> {
    if (shelf.kept === null) shelf.kept = await disk.load(model);
    try {
      const collateral = await fetchCollateral(model, {
        url: options.pccsUrl,
        timeoutMs: fetchMsMax,
      });
      const fetched = { collateral, checked: checkCollateral(collateral, root) };
      if (shelf.failure !== null) log.info({ ...model }, "the PCCS answers again");
      shelf.failure = null;
      shelf.failures = 0;
      if (!isOlder(fetched, shelf.kept)) {
        shelf.kept = fetched;
        await disk.save(model, collateral);
      }
    } catch (error) {
      const reason = reasonOf(error);
      if (shelf.failure !== reason) log.warn({ ...model, reason }, "collateral could not be had");
      shelf.failure = reason;
      shelf.failures += 1;
    } finally {
      shelf.triedMs = clockMs();
      shelf.attempt = null;
    }
  }

  return { usable };
}

function createShelves(): (model: Model) => Shelf {
  const shelves = new Map<string, Shelf>();
  return (model) => {
    const name = nameOf(model);
    const known = shelves.get(name);
    if (known !== undefined) return known;
    const oldest = shelves.keys().next();
    if (shelves.size >= shelvesMax && oldest.done !== true) shelves.delete(oldest.value);
    const triedMs = Number.NEGATIVE_INFINITY;
    const shelf: Shelf = { kept: null, triedMs, failure: null, failures: 0, attempt: null };
    shelves.set(name, shelf);
    return shelf;
  };
}

/** @throws QuoteError quote.unverifiable when there is none that may be used */
function chosen(
  { kept, failure }: Shelf,
  model: Model,
  { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number },
): UsableCollateral {
  if (kept === null) {
    throw unverifiable(`there is no collateral for ${nameOf(model)}: ${failure}`);
  }
  const { validToMs } = kept.checked;
  if (nowMs <= validToMs) return { ...kept, atMs: nowMs };
  if (nowMs <= validToMs + graceMs) return { ...kept, atMs: validToMs };
  const endedAt = new Date(validToMs).toISOString();
  const why = failure ?? "the PCCS has none that is newer";
  throw unverifiable(`the collateral for ${nameOf(model)} ended at ${endedAt}: ${why}`);
}

type Disk = {
  load(model: Model): Promise<Kept | null>;
  save(model: Model, collateral: Collateral): Promise<void>;
};

/** A cache: what it holds is signed, and what it cannot hold is fetched again. */
function createDisk({ directory, root, log }: CollateralStoreOptions): Disk {
  const fileOf = (model: Model): string => join(directory, `${nameOf(model)}.json`);
  return {
    load: async (model) => {
      try {
        const text = await readFile(fileOf(model), "utf8");
        const collateral = collateralSchema.parse(JSON.parse(text));
        return { collateral, checked: checkCollateral(collateral, root) };
      } catch (error) {
        const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
        if (!isAbsent) log.warn({ ...model, reason: reasonOf(error) }, "kept collateral is no use");
        return null;
      }
    },
    save: async (model, collateral) => {
      try {
        const file = fileOf(model);
        await mkdir(directory, { recursive: true });
        await writeFile(`${file}.new`, JSON.stringify(collateral));
        await rename(`${file}.new`, file);
      } catch (error) {
        log.warn({ reason: reasonOf(error) }, "collateral could not be kept on disk");
      }
    },
  };
}

/** A PCCS that forgot, or that lies, must not take back what is known of revocations. */
function isOlder({ checked }: Kept, kept: Kept | null): boolean {
  if (kept === null) return false;
  const issuedMs = ({ tcbInfo }: CheckedCollateral) => Date.parse(tcbInfo.issueDate);
  return (
    issuedMs(checked) < issuedMs(kept.checked) ||
    checked.platforms.thisUpdateMs < kept.checked.platforms.thisUpdateMs ||
    checked.authorities.thisUpdateMs < kept.checked.authorities.thisUpdateMs
  );
}

const nameOf = ({ fmspc, authority }: Model): string => `${fmspc}-${authority}`;

function reasonOf(error: unknown): string {
  if (error instanceof QuoteError && error.fault.code === "quote.unverifiable") {
    return error.fault.reason;
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, " ").slice(0, 200);
}

/**
 * What the chain says about a proof, and what it said last while it is away.
 *
 * Freshness is measured by the chain's clock alone, from the proof's block to the newest one: hosts
 * control local clocks. While the chain is away a host could pass off a quote that is older than it
 * should be, though never for another key, and one whose image was taken off the contract's lists
 * since; `graceMs` bounds for how long.
 */
import { ClusterError } from "../errors.ts";
import type { Admission, BootProof, ReadAdmission } from "../runtime/attestation.ts";
import type { Block, Log } from "../runtime/ports.ts";
import { QuoteError } from "./quote.ts";

export type ChainSight = {
  /** @throws QuoteError quote.blockUnknown, quote.stale; ChainError after `graceMs` without answer */
  expectFresh(proof: BootProof): Promise<void>;
  /** @throws ChainError when it was not answered before, or the chain is away for too long */
  readonly admission: ReadAdmission;
  /** The later of this machine's clock and the newest block's: a host turns back only the one. */
  timeMs(): number;
  /** Looks at the newest block, when the chain is there. */
  look(): Promise<void>;
};

export type ChainSightOptions = {
  readonly head: () => Promise<Block>;
  /** The block of that number on the present chain; null when there is none. */
  readonly blockAt: (number: bigint) => Promise<Block | null>;
  readonly readAdmission: ReadAdmission;
  readonly log: Log;
  /** How far the proof's block may lie behind the newest, by their timestamps. */
  readonly ageMsMax: number;
  /** How long after the chain's last answer its earlier ones are used. */
  readonly graceMs: number;
  /** Milliseconds that only grow. */
  readonly clockMs?: (() => number) | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly dateMs?: (() => number) | undefined;
};

const admissionsMax = 256;

export function createChainSight(options: ChainSightOptions): ChainSight {
  const { head, blockAt, readAdmission, log, ageMsMax, graceMs } = options;
  const { clockMs = () => performance.now(), dateMs = Date.now } = options;
  const admissions = new Map<string, Admission>();
  let newest: Block | null = null;
  let answeredMs = Number.NEGATIVE_INFINITY;

  /** null: the chain is away, not for too long. */
  async function ask<Value>(question: () => Promise<Value>): Promise<Value | null> {
    try {
      const answer = await question();
      answeredMs = clockMs();
      return answer;
    } catch (error) {
      if (!(error instanceof ClusterError) || clockMs() - answeredMs > graceMs) throw error;
      return null;
    }
  }

  async function expectFresh(proof: BootProof): Promise<void> {
    const { blockNumber, blockHash } = proof;
    const seen = await ask(() => Promise.all([head(), blockAt(BigInt(blockNumber))]));
    if (seen === null) {
      log.warn({ boot: proof.bootKey }, "the chain is away: a proof's block was not looked up");
      return;
    }
    const [last, block] = seen;
    newest = last;
    if (block === null || block.hash !== blockHash) throw blockUnknown(proof);
    const ageMs = last.timestampMs - block.timestampMs;
    if (ageMs <= ageMsMax) return;
    throw new QuoteError(
      { code: "quote.stale", ageMs, ageMsMax },
      `the quote's block is ${ageMs} ms older than the newest, at most ${ageMsMax} ms accepted`,
    );
  }

  async function admission(of: Parameters<ReadAdmission>[0]): Promise<Admission> {
    const name = JSON.stringify(of);
    const answer = await ask(() => readAdmission(of));
    const known = answer ?? admissions.get(name);
    // Asked once more for the error's sake: why it is away.
    if (known === undefined) return await readAdmission(of);
    admissions.delete(name);
    const oldest = admissions.keys().next();
    if (admissions.size >= admissionsMax && oldest.done !== true) admissions.delete(oldest.value);
    admissions.set(name, known);
    return known;
  }

  return {
    expectFresh,
    admission,
    timeMs: () => Math.max(dateMs(), newest?.timestampMs ?? 0),
    look: async () => {
      newest = (await ask(head).catch(() => null)) ?? newest;
    },
  };
}

function blockUnknown({ blockNumber, blockHash }: BootProof): QuoteError {
  return new QuoteError(
    { code: "quote.blockUnknown", blockNumber, blockHash },
    `the quote names block ${blockNumber} ${blockHash}, which is not on the chain as seen here`,
  );
}

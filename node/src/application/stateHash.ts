/**
 * The hash of the whole replicated state: equal machines have equal hashes, however they came about.
 *
 * The table of keys may hold a hundred thousand records, and a hash is wanted every thousand
 * entries: taking it over the whole table each time would cost more than all else done for these
 * entries. But to a generation records are only ever added. So each generation's records are
 * chained, in groups since a digest has its price, and the hash covers the chains. A replica hashes
 * what came since it last did; one restored from a snapshot chains the records that it was given,
 * so that a snapshot with other records in it shows.
 *
 * Hashed, encoded as in state.ts: version 1 (1 byte); the applications with their states; the
 * window (6); the number of generations (1), oldest first, each with its number (6), the number of
 * its records (4), the hash of its whole groups (text; zeros before the first) and the records
 * behind them. A group's hash is the digest of its records after the hash of the group before.
 */
import { type Digest, type Hash, noHash } from "../consensus/ids.ts";
import { type Writer, writeBytes, writeNumber, writer, writeText, writtenSoFar } from "./bytes.ts";
import { type Generation, type KeyRecord, recordsIn, type Shared } from "./keys.ts";
import type { FirstOutcome, Machine } from "./machine.ts";
import { writeRecord, writeStates } from "./state.ts";

export type HashState = (machine: Machine) => Hash;

const layoutVersion = 1;
const groupSize = 64;

/**
 * Remembers how far it has hashed: a machine that went on from the one before costs its new records
 * and the applications' states, any other costs all its records.
 */
export function stateHasher(digest: Digest): HashState {
  const chains = new WeakMap<Shared<FirstOutcome>, Chain>();

  function chained(generation: Generation<FirstOutcome>): Chain {
    const { shared, newestIndex } = generation;
    // Another table has written on: the chain of the map may be ahead of this table.
    if (shared.newestIndex !== newestIndex) {
      const known = [...recordsIn(generation)];
      return lengthen(begin(known.values()), known.length, digest);
    }
    const chain = chains.get(shared) ?? begin(shared.records.entries());
    chains.set(shared, chain);
    return lengthen(chain, shared.records.size, digest);
  }

  return ({ states, keys }) => {
    const to = writer();
    writeNumber(to, layoutVersion, 1);
    writeStates(to, states);
    writeNumber(to, keys.windowEntries, 6);
    writeNumber(to, keys.generations.length, 1);
    for (const generation of keys.generations.toReversed()) {
      const { count, hash, left } = chained(generation);
      writeNumber(to, generation.number, 6);
      writeNumber(to, count, 4);
      writeText(to, hash);
      writeBytes(to, writtenSoFar(left));
    }
    return digest(noHash, writtenSoFar(to));
  };
}

type Records = Iterator<readonly [key: string, record: KeyRecord<FirstOutcome>], undefined>;

type Chain = {
  /** Stands behind the last record taken. Never read to its end: so it finds what is added later. */
  readonly records: Records;
  count: number;
  /** Of all whole groups among those taken. */
  hash: Hash;
  /** The records after the last whole group. */
  readonly left: Writer;
};

function begin(records: Records): Chain {
  return { records, count: 0, hash: noHash, left: writer() };
}

/** Takes in the records up to the first `size`, which are there. */
function lengthen(chain: Chain, size: number, digest: Digest): Chain {
  const { records, left } = chain;
  while (chain.count < size) {
    const pair = records.next().value;
    if (pair === undefined) throw new Error(`expected ${size} records, found ${chain.count}`);
    writeRecord(left, ...pair);
    chain.count += 1;
    if (chain.count % groupSize !== 0) continue;
    chain.hash = digest(chain.hash, writtenSoFar(left));
    left.length = 0;
  }
  return chain;
}

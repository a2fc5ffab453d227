/**
 * The table of idempotency keys: a value that grows cheaply and forgets by the log.
 *
 * A key counts for `windowEntries` log entries after the one that brought it. Time would not do:
 * every replica must forget alike. Records lie in generations of half a window each; whole
 * generations are dropped, so that forgetting costs nothing per key.
 *
 * Tables that share an ancestor share their newest generation's map. The table whose newest record
 * is the map's newest writes in place (older tables pass over records newer than their own); any
 * other copies first. So every table stays the value it was, at the cost of one insertion. Within
 * one generation a key is written once: half a window is too short to forget it.
 */

/** What is kept under a key: the entry that brought it, and what its command did. */
export type KeyRecord<Outcome> = {
  readonly index: number;
  /** Tells the command from any other. */
  readonly fingerprint: string;
  readonly outcome: Outcome;
};

export type KeyTable<Outcome> = {
  readonly windowEntries: number;
  /** Newest first; three at most. */
  readonly generations: readonly Generation<Outcome>[];
};

export type Generation<Outcome> = {
  /** Holds the keys of entries `number * half` to `(number + 1) * half - 1`. */
  readonly number: number;
  /** The last record that this table knows. */
  readonly newestIndex: number;
  readonly shared: Shared<Outcome>;
};
export type Shared<Outcome> = {
  /** In the order of the log. */
  readonly records: Map<string, KeyRecord<Outcome>>;
  /** The last record in the map, whichever table wrote it. */
  newestIndex: number;
};

export function emptyTable<Outcome>(windowEntries: number): KeyTable<Outcome> {
  return { windowEntries, generations: [] };
}

/** What `key` stands for at entry `index`; `null` when it is new or forgotten. */
export function recall<Outcome>(
  table: KeyTable<Outcome>,
  key: string,
  index: number,
): KeyRecord<Outcome> | null {
  for (const generation of table.generations) {
    const record = generation.shared.records.get(key);
    if (record === undefined || record.index > generation.newestIndex) continue;
    return index - record.index <= table.windowEntries ? record : null;
  }
  return null;
}

/** Keeps a record under a key that `recall` does not know. Indexes only grow. */
export function remember<Outcome>(
  table: KeyTable<Outcome>,
  key: string,
  record: KeyRecord<Outcome>,
): KeyTable<Outcome> {
  const half = halfOf(table);
  const number = Math.floor(record.index / half);
  const newest = table.generations[0];
  const isCurrent = newest !== undefined && newest.number === number;
  const older = isCurrent
    ? table.generations.slice(1)
    : table.generations.filter(
        (generation) => (generation.number + 1) * half > record.index - table.windowEntries,
      );
  const shared = isCurrent ? writable(newest) : { records: new Map(), newestIndex: 0 };
  shared.records.set(key, record);
  shared.newestIndex = record.index;
  const current = { number, newestIndex: record.index, shared };
  return { windowEntries: table.windowEntries, generations: [current, ...older] };
}

/** Of a table that nothing was written beside: one just read. */
export function recordCount(table: KeyTable<unknown>): number {
  return table.generations.reduce((sum, { shared }) => sum + shared.records.size, 0);
}

/** Oldest first. Depends on the records alone, not on how the table came about. */
export function* recordsOf<Outcome>(
  table: KeyTable<Outcome>,
): Generator<readonly [key: string, record: KeyRecord<Outcome>]> {
  for (const generation of table.generations.toReversed()) yield* recordsIn(generation);
}

/** Those that this generation's table knows, oldest first. */
export function* recordsIn<Outcome>({
  shared,
  newestIndex,
}: Generation<Outcome>): Generator<readonly [key: string, record: KeyRecord<Outcome>]> {
  for (const pair of shared.records) {
    if (pair[1].index <= newestIndex) yield pair;
  }
}

function writable<Outcome>(generation: Generation<Outcome>): Shared<Outcome> {
  const { shared, newestIndex } = generation;
  if (shared.newestIndex === newestIndex) return shared;
  return { records: new Map(recordsIn(generation)), newestIndex };
}

function halfOf(table: KeyTable<unknown>): number {
  return Math.ceil(table.windowEntries / 2);
}

/** What is watched of every node, and how much it may grow over a run. */

/** One look at one node; a value that could not be had is null. */
export type Sample = Readonly<Record<SeriesName, number | null>> & {
  /** Since the load began. */
  readonly seconds: number;
  readonly node: string;
  /** Tells the boots of a node apart; null while it does not run. */
  readonly pid: number | null;
};

type Series = {
  readonly about: string;
  readonly unit: string;
  /**
   * Growth over the measured time, by the fitted line, that is no growth yet: what fills up and
   * empties again in the course of things, such as the log between two snapshots.
   */
  readonly growthMax: number;
};

export const series = {
  rss: { about: "resident memory", unit: "MiB", growthMax: 128 },
  heap: { about: "JavaScript objects", unit: "MiB", growthMax: 96 },
  handles: { about: "file descriptors", unit: "", growthMax: 48 },
  eventLoopDelay: { about: "event-loop delay, p99", unit: "ms", growthMax: 100 },
  journal: { about: "files of the data directory", unit: "MiB", growthMax: 96 },
  log: { about: "log entries kept", unit: "", growthMax: 30_000 },
  status: { about: "answer of /status", unit: "ms", growthMax: 100 },
} as const satisfies Record<string, Series>;

export type SeriesName = keyof typeof series;
export const seriesNames = Object.keys(series) as readonly SeriesName[];

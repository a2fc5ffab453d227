/** The metrics of one node, over prom-client. Costs nothing while nobody asks. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import {
  type CounterName,
  counters,
  type GaugeName,
  gauges,
  type HistogramName,
  histograms,
} from "../runtime/metrics.ts";
import type { Count, Observe } from "../runtime/ports.ts";

export type Metrics = {
  readonly count: Count;
  readonly observe: Observe;
  /** `read` is asked at each scrape; null: there is no value at present. */
  gauge(name: GaugeName, read: () => number | null): void;
  /** The text format of Prometheus. */
  render(): Promise<string>;
};

const prefix = "dstack_cluster_";
/** Seconds: from a commit on a fast disk to a change of leader. */
const buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counterOf = new Map<CounterName, Counter>();
  for (const [name, row] of rowsOf<CounterName, CounterRow>(counters)) {
    const labelNames = [...(row.labels ?? [])];
    const counter = new Counter({ name: prefix + name, help: row.help, labelNames, registers });
    counterOf.set(name, counter);
  }
  const histogramOf = new Map<HistogramName, Histogram>();
  for (const [name, { help }] of rowsOf<HistogramName, { help: string }>(histograms)) {
    histogramOf.set(name, new Histogram({ name: prefix + name, help, buckets, registers }));
  }
  const metrics: Metrics = {
    count: (name, labels, by = 1) => counterOf.get(name)?.inc({ ...labels }, by),
    observe: (name, value) => histogramOf.get(name)?.observe(value),
    gauge(name, read) {
      const { help } = gauges[name];
      new Gauge({
        name: prefix + name,
        help,
        registers,
        collect() {
          const value = read();
          if (value === null) this.remove();
          else this.set(value);
        },
      });
    },
    render: () => registry.metrics(),
  };
  watchProcess(metrics);
  return metrics;
}

type CounterRow = { readonly help: string; readonly labels?: readonly string[] };

/** `Object.entries`, which forgets the names' type. */
function rowsOf<Name extends string, Row>(table: Readonly<Record<Name, Row>>): [Name, Row][] {
  return Object.entries(table) as [Name, Row][];
}

function watchProcess({ gauge }: Metrics): void {
  gauge("process_resident_memory_bytes", () => process.memoryUsage.rss());
  gauge("process_heap_used_bytes", () => process.memoryUsage().heapUsed);
  gauge("process_cpu_seconds", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  let last = performance.eventLoopUtilization();
  gauge("event_loop_busy_ratio", () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  });
  watchDelay(gauge);
}

const delaySampleMs = 20;

/** A timer that is set every so often, and how much later it comes. */
function watchDelay(gauge: Metrics["gauge"]): void {
  const intervals = monitorEventLoopDelay({ resolution: delaySampleMs });
  intervals.enable();
  gauge("event_loop_delay_seconds", () => {
    if (intervals.count === 0) return null;
    const delayMs = intervals.percentile(99) / 1e6 - delaySampleMs;
    intervals.reset();
    return Math.max(0, delayMs) / 1_000;
  });
}

/** The run as a picture of characters, and its figures as a table. */
import { columns } from "../../cluster/columns.ts";
import type { Strike } from "../nemesis.ts";
import type { Sample } from "../observe/watch.ts";
import { type Recovery, type Second, type Spread, spreadOf } from "./tally.ts";

export type Picture = {
  readonly seconds: readonly Second[];
  readonly strikes: readonly Strike[];
  readonly samples: readonly Sample[];
};

const labelWidth = 10;
const bars = [..." ▁▂▃▄▅▆▇█"];

/** @param width of the terminal, in characters */
export function timelineOf({ seconds, strikes, samples }: Picture, width: number): string {
  const room = Math.max(20, width - labelWidth - 8);
  const perCell = Math.max(1, Math.ceil(seconds.length / room));
  const cells = Math.ceil(seconds.length / perCell);
  const cellOf = (ns: number) => Math.min(cells - 1, Math.floor(ns / 1e9 / perCell));
  const row = (label: string, text: string, note = "") =>
    `${label.padEnd(labelWidth)}${text}${note === "" ? "" : `  ${note}`}`.trimEnd();
  const level = (of: (second: Second) => number) => {
    const values = Array.from({ length: cells }, (_, cell) =>
      mean(seconds.slice(cell * perCell, (cell + 1) * perCell).map(of)),
    );
    const top = Math.max(1, ...values);
    return {
      text: values.map((value) => barOf(value / top)).join(""),
      note: `≤ ${top.toFixed(0)}`,
    };
  };
  const [writes, reads] = [level((second) => second.writes), level((second) => second.reads)];
  const errors = level((second) => second.failed + second.unknown);
  return [
    row("writes/s", writes.text, writes.note),
    row("reads/s", reads.text, reads.note),
    row("errors/s", errors.text, errors.note),
    row("leader", leaderRow(samples, cells, cellOf)),
    ...faultRows(strikes, cells, cellOf).map((text, at) => row(at === 0 ? "faults" : "", text)),
    row("", axis(cells, perCell)),
  ].join("\n");
}

function barOf(share: number): string {
  // What is there at all is seen.
  return bars[share <= 0 ? 0 : Math.max(1, Math.round(share * (bars.length - 1)))] ?? " ";
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

type CellOf = (ns: number) => number;

/** The number of whichever node led last in each cell; a dot where none did. */
function leaderRow(samples: readonly Sample[], cells: number, cellOf: CellOf): string {
  const row = Array.from({ length: cells }, () => "");
  const leading = new Map<number, number>();
  let shown = "·";
  let filled = 0;
  for (const { atNs, node, role, term } of samples) {
    const cell = cellOf(atNs);
    row.fill(shown, filled, Math.max(filled, cell));
    filled = Math.max(filled, cell);
    if (role === "leader") leading.set(node, term);
    else leading.delete(node);
    const [newest] = [...leading].sort(([, a], [, b]) => b - a);
    shown = newest === undefined ? "·" : String(newest[0] + 1);
  }
  return row.fill(shown, filled).join("");
}

/** Faults one after the other, on two rows in turns so that neighbours stay apart. */
function faultRows(strikes: readonly Strike[], cells: number, cellOf: CellOf): readonly string[] {
  const rows = [0, 1].map(() => Array.from({ length: cells }, () => " "));
  strikes.forEach(({ number, startedNs, healedNs, skipped }, at) => {
    const row = rows[at % rows.length];
    if (row === undefined || skipped !== null) return;
    const [from, to] = [cellOf(startedNs), cellOf(healedNs)];
    row.fill("━", from, to + 1);
    [...String(number)].forEach((digit, offset) => {
      if (from + offset < cells) row[from + offset] = digit;
    });
  });
  return rows.map((row) => row.join("").trimEnd());
}

function axis(cells: number, perCell: number): string {
  const every = 10;
  const marks = Array.from({ length: Math.ceil(cells / every) }, (_, at) =>
    `${at * every * perCell}`.padEnd(every),
  );
  return `${marks.join("").trimEnd()} s`;
}

/** Of each kind of fault: how long until writes went through again, and until all was well. */
export function recoveryTable(recoveries: readonly Recovery[]): string {
  const names = [...new Set(recoveries.map(({ name }) => name))].sort();
  const rows = names.map((name) => {
    const of = recoveries.filter((recovery) => recovery.name === name);
    return [
      name,
      String(of.length),
      show(spreadOf(of.map(({ fromStartMs }) => fromStartMs))),
      show(spreadOf(of.map(({ fromHealMs }) => fromHealMs))),
      show(spreadOf(of.map(({ silentMs }) => silentMs))),
      show(spreadOf(of.map(({ wellMs }) => wellMs))),
    ];
  });
  const head = [
    "fault",
    "times",
    "start → write",
    "heal → write",
    "longest silence",
    "heal → well",
  ];
  return columns([head, ...rows]).join("\n");
}

function show(spread: Spread | null): string {
  if (spread === null) return "-";
  const { min, median, max } = spread;
  const [low, middle, high] = [min, median, max].map(inSeconds);
  return low === high ? `${middle} s` : `${low} / ${middle} / ${high} s`;
}

export function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(ms < 100 ? 3 : 2);
}

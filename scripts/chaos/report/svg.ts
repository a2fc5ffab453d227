/** The run as a picture: throughput, who led, what each node was, and the faults as bands. */
import type { Strike } from "../nemesis.ts";
import type { Sample } from "../observe/watch.ts";
import type { Second } from "./tally.ts";

export type Drawing = {
  readonly title: string;
  readonly nodes: readonly string[];
  readonly seconds: readonly Second[];
  readonly strikes: readonly Strike[];
  readonly samples: readonly Sample[];
};

const left = 90;
/** Room for the name of a fault that comes last. */
const right = 90;
const plotTop = 40;
const plotHeight = 150;
const laneHeight = 18;
const laneGap = 6;
const labelHeight = 13;
/** Names of faults stand in so many rows, in turns. */
const labelRows = 4;
const pxPerSecond = { min: 6, max: 40, wanted: 1_400 } as const;
const colours = {
  writes: "#2563eb",
  reads: "#93c5fd",
  errors: "#dc2626",
  fault: "#f59e0b",
  leader: "#16a34a",
  follower: "#bbf7d0",
  recovering: "#fde047",
  other: "#e5e7eb",
  away: "#ef4444",
} as const;

export function drawTimeline(drawing: Drawing): string {
  const { seconds, nodes, title } = drawing;
  const { min, max, wanted } = pxPerSecond;
  const scale = Math.min(max, Math.max(min, wanted / Math.max(1, seconds.length)));
  const xOf = (ns: number) => round(left + (ns / 1e9) * scale);
  const width = Math.ceil(left + seconds.length * scale + right);
  const labelsTop = plotTop + plotHeight + 22;
  const lanesTop = labelsTop + labelRows * labelHeight + 10;
  const height = lanesTop + nodes.length * (laneHeight + laneGap) + 30;
  const bottom = lanesTop + nodes.length * (laneHeight + laneGap);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(left, 20, title, ' font-size="14"'),
    ...bands(drawing.strikes, xOf, { labelsTop, bottom }),
    ...throughput(seconds, scale),
    ...lanes(drawing, xOf, { lanesTop, endNs: seconds.length * 1e9 }),
    ...legend(left, height - 8),
    "</svg>",
    "",
  ].join("\n");
}

type XOf = (ns: number) => number;

function bands(
  strikes: readonly Strike[],
  xOf: XOf,
  { labelsTop, bottom }: { labelsTop: number; bottom: number },
): readonly string[] {
  return strikes.flatMap(({ number, name, target, position, skipped, ...at }, order) => {
    if (skipped !== null) return [];
    const [from, to] = [xOf(at.startedNs), xOf(at.healedNs)];
    const y = labelsTop + (order % labelRows) * labelHeight;
    const whom = target === "all" ? "" : `, ${target} (node${position + 1})`;
    const details = `${number}. ${name}${whom}${at.detail === null ? "" : `: ${at.detail}`}`;
    return [
      `<rect x="${from}" y="${plotTop}" width="${round(Math.max(1, to - from))}" ` +
        `height="${bottom - plotTop}" fill="${colours.fault}" fill-opacity="0.22">` +
        `<title>${escaped(details)}</title></rect>`,
      `<line x1="${from}" y1="${plotTop}" x2="${from}" y2="${y}" stroke="${colours.fault}"/>`,
      text(from + 2, y, `${number} ${name}`, ' font-size="10"'),
    ];
  });
}

function throughput(seconds: readonly Second[], scale: number): readonly string[] {
  const top = Math.max(1, ...seconds.map(({ writes, reads }) => Math.max(writes, reads)));
  const base = plotTop + plotHeight;
  const yOf = (value: number) => round(base - (value / top) * plotHeight);
  const line = (of: (second: Second) => number, colour: string) => {
    const points = seconds.map(
      (second, at) => `${round(left + (at + 0.5) * scale)},${yOf(of(second))}`,
    );
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  };
  const errors = seconds.flatMap(({ failed, unknown }, at) => {
    const count = failed + unknown;
    if (count === 0) return [];
    const y = yOf(Math.min(top, count));
    const x = round(left + at * scale);
    return [
      `<rect x="${x}" y="${y}" width="${round(scale)}" height="${round(base - y)}" ` +
        `fill="${colours.errors}" fill-opacity="0.5"/>`,
    ];
  });
  const ticks = Array.from({ length: Math.floor(seconds.length / 10) + 1 }, (_, at) =>
    text(left + at * 10 * scale, base + 12, `${at * 10} s`, ' fill="#6b7280"'),
  );
  return [
    ...errors,
    line(({ reads }) => reads, colours.reads),
    line(({ writes }) => writes, colours.writes),
    `<line x1="${left}" y1="${base}" x2="${round(left + seconds.length * scale)}" y2="${base}" stroke="#6b7280"/>`,
    text(8, plotTop + 8, `${top}/s`, ' fill="#6b7280"'),
    ...ticks,
  ];
}

function lanes(
  { nodes, samples }: Drawing,
  xOf: XOf,
  { lanesTop, endNs }: { lanesTop: number; endNs: number },
): readonly string[] {
  return nodes.flatMap((name, node) => {
    const y = lanesTop + node * (laneHeight + laneGap);
    const own = samples.filter((sample) => sample.node === node);
    const pieces = own.map(({ atNs, role, term }, at) => {
      const [from, to] = [xOf(atNs), xOf(Math.min(endNs, own[at + 1]?.atNs ?? endNs))];
      const what = `${name}: ${role ?? "no answer"}, term ${term}`;
      return (
        `<rect x="${from}" y="${y}" width="${round(Math.max(0.5, to - from))}" height="${laneHeight}" ` +
        `fill="${colourOf(role)}"><title>${escaped(what)}</title></rect>`
      );
    });
    const terms = own
      .filter(({ role, term }, at) => {
        const before = own[at - 1];
        return role === "leader" && (before?.role !== "leader" || before.term !== term);
      })
      .map(({ atNs, term }) =>
        text(xOf(atNs) + 1, y + 13, String(term), ' font-size="9" fill="#ffffff"'),
      );
    return [text(8, y + 13, name), ...pieces, ...terms];
  });
}

function colourOf(role: string | null): string {
  if (role === null) return colours.away;
  if (role === "leader" || role === "follower" || role === "recovering") return colours[role];
  return colours.other;
}

const legendNames = [
  "writes",
  "reads",
  "errors",
  "fault",
  "leader",
  "follower",
  "recovering",
  "away",
] as const;

function legend(x: number, y: number): readonly string[] {
  const step = 90;
  return legendNames.flatMap((name, at) => [
    `<rect x="${x + at * step}" y="${y - 9}" width="10" height="10" fill="${colours[name]}"/>`,
    text(x + at * step + 14, y, name),
  ]);
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

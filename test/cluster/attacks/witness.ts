/** What a member has logged and counted since a moment: that an attack was noticed, and as what. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { ClusterNode } from "../../../scripts/cluster/handle.ts";
import { patience } from "./patience.ts";

export type LogLine = {
  readonly msg: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly fault?: {
    readonly code: string;
    readonly check?: string;
    readonly expected?: string;
    readonly actual?: string;
  };
};

export type Witness = {
  /** Resolves with the line of the rejection, once it is logged and counted. */
  rejected(as: {
    readonly reason: string;
    /** Of a proof: the check that failed, or the fault's code where there is none. */
    readonly check?: string;
    readonly detail?: RegExp;
  }): Promise<LogLine>;
  /** Resolves with the first line since then that `matches`. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** By how much the counter has grown. */
  counted(name: string, labels: string): Promise<number>;
};

export async function witnessAt(node: ClusterNode): Promise<Witness> {
  const from = linesOf(node).length;
  const before = await metricsOf(node);

  async function logged(matches: (line: LogLine) => boolean): Promise<LogLine> {
    const found = () => linesOf(node).slice(from).find(matches);
    await expect.poll(found, patience).toBeDefined();
    return found() ?? expect.unreachable();
  }

  async function counted(name: string, labels: string): Promise<number> {
    const series = `dstack_cluster_${name}{${labels}}`;
    return ((await metricsOf(node)).get(series) ?? 0) - (before.get(series) ?? 0);
  }

  return {
    logged,
    counted,
    async rejected({ reason, check, detail = /./ }) {
      const line = await logged(
        (one) =>
          one.msg === "peer rejected" &&
          one.reason === reason &&
          detail.test(one.detail ?? "") &&
          checkOf(one) === check,
      );
      expect(await counted("peer_rejected_total", `reason="${reason}"`)).toBeGreaterThan(0);
      if (check !== undefined) {
        expect(await counted("attestation_refused_total", `check="${check}"`)).toBeGreaterThan(0);
      }
      return line;
    },
  };
}

export const checkOf = ({ fault }: LogLine): string | undefined => fault?.check ?? fault?.code;

function linesOf({ logFile }: ClusterNode): readonly LogLine[] {
  const whole = readFileSync(logFile, "utf8").split("\n").slice(0, -1);
  return whole.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as LogLine);
}

async function metricsOf({ url }: ClusterNode): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const rows = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    rows.map((row) => {
      const at = row.lastIndexOf(" ");
      return [row.slice(0, at), Number(row.slice(at + 1))] as const;
    }),
  );
}

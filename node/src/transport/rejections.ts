/**
 * Counts and logs who is turned away, and what fails again and again.
 *
 * Everything is counted. What is logged is bounded: whoever can reach the port could otherwise fill
 * the disk. The first of its kind is logged, repetitions ever more rarely, and no more than
 * `kindsMax` kinds are told apart at a time.
 */
import type { Count, Log } from "../runtime/ports.ts";
import type { Rejection } from "./rejection.ts";

export type Rejections = {
  /** @param address the other side's, without its port: an attacker has plenty of those */
  reject(address: string, rejection: Rejection): void;
  /** Something that is tried again and again, such as a dial. */
  failed(what: string, address: string, reason: string): void;
};

type Kind = { quietUntilMs: number; quietMs: number; suppressed: number };

const kindsMax = 256;
const quietMsMin = 1_000;
const quietMsMax = 300_000;

export function createRejections(log: Log, count: Count, nowMs: () => number): Rejections {
  const kinds = new Map<string, Kind>();

  /** How many were suppressed since the last line, or `null` when this one is to be as well. */
  function mayLog(name: string): number | null {
    const now = nowMs();
    const kind = kinds.get(name);
    if (kind === undefined) {
      if (kinds.size >= kindsMax) forget(now);
      if (kinds.size >= kindsMax) return null;
      kinds.set(name, { quietUntilMs: now + quietMsMin, quietMs: quietMsMin, suppressed: 0 });
      return 0;
    }
    if (now < kind.quietUntilMs) {
      kind.suppressed += 1;
      return null;
    }
    const { suppressed } = kind;
    const calmedDown = now > kind.quietUntilMs + quietMsMax;
    kind.quietMs = calmedDown ? quietMsMin : Math.min(kind.quietMs * 2, quietMsMax);
    kind.quietUntilMs = now + kind.quietMs;
    kind.suppressed = 0;
    return suppressed;
  }

  function forget(now: number): void {
    for (const [name, { quietUntilMs }] of kinds) if (now >= quietUntilMs) kinds.delete(name);
  }

  return {
    reject: (address, { reason, detail, fault }) => {
      count("peer_rejected_total", { reason });
      const suppressed = mayLog(`${reason} ${wrongOf(fault)} ${address}`);
      if (suppressed === null) return;
      const about = fault == null ? {} : { fault };
      log.warn({ address, reason, detail, ...about, suppressed }, "peer rejected");
    },
    failed: (what, address, reason) => {
      const suppressed = mayLog(`${what} ${address}`);
      if (suppressed === null) return;
      log.info({ address, reason, suppressed }, `${what} failed`);
    },
  };
}

/** What was wrong with a proof: behind one gateway, one attack must not hide another's line. */
function wrongOf(fault: unknown): string {
  const { code = "", check = "" } = (fault ?? {}) as { code?: unknown; check?: unknown };
  return `${code} ${check}`;
}

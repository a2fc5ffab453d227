/** Lets no more client calls into the service than it answers in good time. */
import { ClusterError } from "../errors.ts";
import { overloaded } from "../runtime/calls.ts";
import type { Service } from "../runtime/service.ts";
import { createWindow, type Ending, type Window, type WindowLimits } from "./window.ts";

/** The fewest still keep a cluster busy; the most are answered at the target by an idle machine. */
export const callLimits: WindowLimits = {
  callsMin: 64,
  callsFirst: 256,
  callsMax: 1_024,
  targetMs: 150,
  intervalMs: 100,
};

/** Two windows, since writes wait for disks and reads do not. */
export type Guard = {
  readonly service: Service;
  readonly writes: Window;
  readonly reads: Window;
};

/** @throws by way of the service: CallError overloaded, before anything was begun */
export function guardService(service: Service, limits: WindowLimits = callLimits): Guard {
  const nowMs = () => performance.now();
  const writes = createWindow(limits, nowMs);
  const reads = createWindow(limits, nowMs);
  return {
    writes,
    reads,
    service: {
      ...service,
      increment: (request) => within(writes, () => service.increment(request)),
      counter: (consistency) =>
        consistency === "local"
          ? service.counter(consistency)
          : within(reads, () => service.counter(consistency)),
      receipt: (index) => within(reads, () => service.receipt(index)),
      attestation: (nonce) => within(reads, () => service.attestation(nonce)),
    },
  };
}

async function within<T>(window: Window, call: () => Promise<T>): Promise<T> {
  if (!window.hasRoom()) throw overloaded(`${window.allowed()} calls are under way already`);
  const sinceMs = performance.now();
  window.begin();
  try {
    const answer = await call();
    window.end(sinceMs, "answered");
    return answer;
  } catch (error) {
    window.end(sinceMs, endingOf(error));
    throw error;
  }
}

function endingOf(error: unknown): Ending {
  if (!(error instanceof ClusterError)) return "answered";
  switch (error.fault.code) {
    case "overloaded":
      return "turned-away";
    case "leader.lost":
    case "leader.unknown":
      return "leaderless";
    default:
      return "answered";
  }
}

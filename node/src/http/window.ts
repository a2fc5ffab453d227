/**
 * How many calls may be under way at once: as many as are answered in good time.
 *
 * The bound follows a standing queue, told as CoDel tells it: a burst lengthens some waits of an
 * interval, a queue that never empties lengthens even the shortest one. Then the bound falls by a
 * share; while calls are refused without such a queue, it rises by a smaller one.
 *
 * @see RFC 8289 (CoDel), section 3.1; additive increase and multiplicative decrease as in RFC 5681
 */

export type WindowLimits = {
  readonly callsMin: number;
  /** Before anything is known: a node that meets a crowd right away finds its measure from below. */
  readonly callsFirst: number;
  readonly callsMax: number;
  /** A shortest wait above this is a standing queue. */
  readonly targetMs: number;
  readonly intervalMs: number;
};

/**
 * How a call went: waited to its end; turned away because the leader's queues are full; or there was
 * no leader for it, for which no queue is to blame.
 */
export type Ending = "answered" | "turned-away" | "leaderless";

export type Window = {
  /** May one more begin? When it may not, that is noted. */
  hasRoom(): boolean;
  begin(): void;
  end(sinceMs: number, ending: Ending): void;
  underWay(): number;
  allowed(): number;
};

const shrinkBy = 0.8;
const growBy = 1.1;

export function createWindow(limits: WindowLimits, nowMs: () => number): Window {
  const { callsMin, callsFirst, callsMax, targetMs, intervalMs } = limits;
  let allowed = callsFirst;
  let underWay = 0;
  let intervalSinceMs = nowMs();
  let shortestMs = Number.POSITIVE_INFINITY;
  let turnedAway = false;
  let refused = false;

  function adjust(now: number): void {
    const isStanding = shortestMs > targetMs && shortestMs !== Number.POSITIVE_INFINITY;
    if (isStanding || turnedAway) allowed = Math.max(callsMin, Math.floor(allowed * shrinkBy));
    else if (refused) allowed = Math.min(callsMax, Math.ceil(allowed * growBy));
    intervalSinceMs = now;
    shortestMs = Number.POSITIVE_INFINITY;
    turnedAway = false;
    refused = false;
  }

  return {
    hasRoom() {
      if (underWay < allowed) return true;
      refused = true;
      return false;
    },
    begin() {
      underWay += 1;
    },
    end(sinceMs, ending) {
      underWay -= 1;
      const now = nowMs();
      if (ending === "turned-away") turnedAway = true;
      else if (ending === "answered") shortestMs = Math.min(shortestMs, now - sinceMs);
      if (now - intervalSinceMs >= intervalMs) adjust(now);
    },
    underWay: () => underWay,
    allowed: () => allowed,
  };
}

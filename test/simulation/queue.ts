/** Simulated time: what is due, in order of time and then of asking. A binary heap. */

export type Queue = {
  nowMs(): number;
  after(delayMs: number, run: () => void): void;
  /** Runs the next event; false when there is none before `untilMs`, and it is `untilMs` then. */
  runNext(untilMs: number): boolean;
  /** Events run so far: orders what happens at one millisecond. */
  count(): number;
};

type Event = { readonly atMs: number; readonly order: number; readonly run: () => void };

export function createQueue(): Queue {
  const heap: Event[] = [];
  let nowMs = 0;
  let asked = 0;
  let ran = 0;

  return {
    nowMs: () => nowMs,
    count: () => ran,
    after(delayMs, run) {
      asked += 1;
      push(heap, { atMs: nowMs + Math.max(delayMs, 0), order: asked, run });
    },
    runNext(untilMs) {
      const next = heap[0];
      if (next === undefined || next.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      removeFirst(heap);
      nowMs = next.atMs;
      ran += 1;
      next.run();
      return true;
    },
  };
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = event;
}

function removeFirst(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const child = smallerChild(heap, at);
    const event = heap[child];
    if (event === undefined || !isBefore(event, last)) break;
    heap[at] = event;
    at = child;
  }
  heap[at] = last;
}

function smallerChild(heap: readonly Event[], at: number): number {
  const left = heap[2 * at + 1];
  const right = heap[2 * at + 2];
  const rightFirst = left !== undefined && right !== undefined && isBefore(right, left);
  return rightFirst ? 2 * at + 2 : 2 * at + 1;
}

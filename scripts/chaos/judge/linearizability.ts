/**
 * Is a concurrent history one that a single copy could have shown?
 *
 * Wing & Gong's search ("Testing and verifying concurrent objects", 1993) in Lowe's iterative form
 * with memoisation of (operations placed, state) ("Testing for linearizability", 2017), as
 * porcupine does it. General in the model; exponential at worst, quick where outputs tell states.
 */

export type Model<State, Input, Output> = {
  readonly initial: State;
  /** The state after, or null when this output cannot come of this state. */
  apply(state: State, input: Input, output: Output | null): State | null;
  /** Equal states, equal keys. */
  keyOf(state: State): string | number;
};

/** `output` is null, and `returned` infinite, when no answer came: it may have happened or not. */
export type Operation<Input, Output> = {
  readonly input: Input;
  readonly output: Output | null;
  /** Any measure of real time, common to the history; no two ends are equal. */
  readonly invoked: number;
  readonly returned: number;
};

export type Verdict =
  | { readonly linearizable: true }
  /** The most operations that could be placed, and one that then could not be. */
  | { readonly linearizable: false; readonly placed: number; readonly stuckAt: number };

/** One end of an operation, in a list ordered by time. */
type End = {
  readonly operation: number;
  /** The matching return; null for the return itself. */
  readonly match: End | null;
  next: End | null;
  previous: End | null;
};

export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Verdict {
  const head = listOf(operations);
  const seen = createSeen(operations.length);
  const placed: { readonly call: End; readonly state: State }[] = [];
  let owed = operations.filter(({ returned }) => returned !== Number.POSITIVE_INFINITY).length;
  let state = model.initial;
  let end = head.next;
  let best = { placed: 0, stuckAt: -1 };

  while (owed > 0) {
    if (end === null) return { linearizable: false, ...best };
    if (end.match !== null) {
      const operation = operations[end.operation] as Operation<Input, Output>;
      const after = model.apply(state, operation.input, operation.output);
      if (after !== null && seen.isNew(end.operation, model.keyOf(after))) {
        placed.push({ call: end, state });
        state = after;
        if (operation.returned !== Number.POSITIVE_INFINITY) owed -= 1;
        lift(end);
        end = head.next;
        continue;
      }
      end = end.next;
      continue;
    }
    // A return before its call was placed: what was placed last was wrong.
    if (placed.length > best.placed || best.stuckAt < 0) {
      best = { placed: placed.length, stuckAt: end.operation };
    }
    const last = placed.pop();
    if (last === undefined) return { linearizable: false, ...best };
    state = last.state;
    seen.take(last.call.operation);
    const { returned } = operations[last.call.operation] as Operation<Input, Output>;
    if (returned !== Number.POSITIVE_INFINITY) owed += 1;
    unlift(last.call);
    end = last.call.next;
  }
  return { linearizable: true };
}

function listOf(operations: readonly Operation<unknown, unknown>[]): End {
  const ends: { readonly at: number; readonly end: End }[] = [];
  operations.forEach(({ invoked, returned }, operation) => {
    const back: End = { operation, match: null, next: null, previous: null };
    const call: End = { operation, match: back, next: null, previous: null };
    ends.push({ at: invoked, end: call }, { at: returned, end: back });
  });
  ends.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at));
  const head: End = { operation: -1, match: null, next: null, previous: null };
  let last = head;
  for (const { end } of ends) {
    last.next = end;
    end.previous = last;
    last = end;
  }
  return head;
}

/** Takes a call and its return out of the list; they keep their places for `unlift`. */
function lift(call: End): void {
  detach(call);
  if (call.match !== null) detach(call.match);
}

function detach(end: End): void {
  if (end.previous !== null) end.previous.next = end.next;
  if (end.next !== null) end.next.previous = end.previous;
}

function unlift(call: End): void {
  if (call.match !== null) attach(call.match);
  attach(call);
}

function attach(end: End): void {
  if (end.previous !== null) end.previous.next = end;
  if (end.next !== null) end.next.previous = end;
}

/** The pairs (set of operations placed, state) that were tried, by a hash of the set. */
function createSeen(operationCount: number) {
  const words = new Uint32Array(Math.ceil(operationCount / 32));
  const tried = new Map<string, Uint32Array[]>();
  let hash = 0;

  function flip(operation: number): void {
    const at = operation >> 5;
    words[at] = (words[at] ?? 0) ^ (1 << (operation & 31));
    hash ^= scatter(operation);
  }

  return {
    /** Adds `operation` to the set; false, with the set as it was, when that was tried before. */
    isNew(operation: number, stateKey: string | number): boolean {
      flip(operation);
      const key = `${hash} ${stateKey}`;
      const sets = tried.get(key) ?? [];
      if (sets.some((set) => set.every((word, at) => word === words[at]))) {
        flip(operation);
        return false;
      }
      tried.set(key, [...sets, words.slice()]);
      return true;
    },
    take: flip,
  };
}

/** A fixed random-looking word for each operation (Zobrist hashing). */
function scatter(operation: number): number {
  let word = Math.imul(operation + 1, 0x9e3779b1);
  word = Math.imul(word ^ (word >>> 15), 0x85ebca6b);
  return word ^ (word >>> 13);
}

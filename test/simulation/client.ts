/**
 * A client: one call at a time, at any member, with the same key until it knows the outcome.
 *
 * After a definite refusal with no doubtful attempt before it, it sometimes gives up: such a
 * command must never have happened.
 */

import type { Term } from "../../node/src/consensus/ids.ts";
import type { CounterInput, CounterOperation } from "../../scripts/chaos/judge/counterModel.ts";
import type { Random } from "./random.ts";
export type Answer =
  | {
      readonly kind: "value";
      readonly value: number;
      readonly index: number;
      readonly term: Term;
    }
  | { readonly kind: "declined" };

/** Hands a call to a member; `reply` is called at most once, or never. */
export type Submit = (call: {
  readonly site: number;
  readonly operation: CounterOperation["input"];
  readonly key: string | null;
  readonly reply: (answer: Answer) => void;
}) => void;

export type ClientOptions = {
  readonly name: string;
  /** Where it may ask: never empty. */
  readonly sites: () => readonly number[];
  readonly thinkMs: number;
  readonly patienceMs: number;
  readonly random: Random;
  readonly submit: Submit;
  readonly after: (delayMs: number, run: () => void) => void;
  /** Orders events: never the same twice. */
  readonly moment: () => number;
  readonly answered: (input: CounterInput, answer: Extract<Answer, { kind: "value" }>) => void;
};

export type Client = {
  start(): void;
  /** It makes no new calls; what is under way goes on until it knows the outcome. */
  stop(): void;
  busy(): boolean;
  completed(): number;
  history(): readonly CounterOperation[];
  /** Keys of commands that were refused for good. */
  refusedKeys(): readonly string[];
};

type Attempt = {
  readonly input: CounterOperation["input"];
  readonly key: string | null;
  readonly invoked: number;
  doubtful: boolean;
  settled: boolean;
};

export function createClient(options: ClientOptions): Client {
  const { sites, thinkMs, patienceMs, random, after, moment } = options;
  const history: CounterOperation[] = [];
  const refusedKeys: string[] = [];
  let current: Attempt | null = null;
  let stopped = false;
  let calls = 0;
  const thenAfter = (thinks: number, run: () => void) =>
    after(thinks * thinkMs * random.float(), run);

  function next(): void {
    current = null;
    if (stopped) return;
    calls += 1;
    const input = drawInput(random);
    const key = input.kind === "read" ? null : `${options.name}-${calls}`;
    current = { input, key, invoked: moment(), doubtful: false, settled: false };
    attempt(current);
  }

  function attempt(call: Attempt): void {
    let answered = false;
    options.submit({
      site: random.pick(sites()),
      operation: call.input,
      key: call.key,
      reply(answer) {
        if (answered || call.settled) return;
        answered = true;
        if (answer.kind === "value") settle(call, answer);
        else onDeclined(call);
      },
    });
    after(patienceMs, () => {
      if (answered || call.settled) return;
      answered = true;
      call.doubtful = true;
      if (call.input.kind === "read") rest(call);
      else attempt(call);
    });
  }

  function settle(call: Attempt, answer: Extract<Answer, { kind: "value" }>): void {
    const { input, invoked } = call;
    history.push({ input, output: answer.value, invoked, returned: moment() });
    options.answered(input, answer);
    rest(call);
  }

  function onDeclined(call: Attempt): void {
    const givesUp = !call.doubtful && random.chance(0.3);
    if (givesUp && call.key !== null) refusedKeys.push(call.key);
    if (givesUp || call.input.kind === "read") rest(call);
    else thenAfter(1, () => attempt(call));
  }

  function rest(call: Attempt): void {
    call.settled = true;
    thenAfter(2, next);
  }

  return {
    start: () => thenAfter(1, next),
    stop() {
      stopped = true;
    },
    busy: () => current !== null && !current.settled,
    completed: () => history.length,
    history: () => (current === null ? history : [...history, ...unanswered(current)]),
    refusedKeys: () => refusedKeys,
  };
}

function drawInput(random: Random): CounterOperation["input"] {
  return random.chance(0.4) ? { kind: "read" } : { kind: "increment", by: random.integer(1, 3) };
}

/** A command under way may have happened or not; a read that nobody saw does not matter. */
function unanswered({ input, invoked, settled }: Attempt): readonly CounterOperation[] {
  if (settled || input.kind === "read") return [];
  return [{ input, output: null, invoked, returned: Number.POSITIVE_INFINITY }];
}

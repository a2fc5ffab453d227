/** Every application on the log. To add one: its folder, and a line in each table here. */
import type { Application, Place } from "./application.ts";
import { type CounterState, counter } from "./counter/counter.ts";

export type States = { readonly counter: CounterState };

/** A command's effect on the states: the result as JSON text, or why there is none. */
export type Ran =
  | { readonly kind: "applied"; readonly states: States; readonly result: string }
  | { readonly kind: "refused"; readonly reason: string };

export type EncodedState = {
  readonly application: string;
  readonly version: number;
  readonly text: string;
};

/** A value that was read, or why it could not be. */
export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

export function initialStates(): States {
  return { counter: counter.init() };
}

/** Runs a command on the application that it names. Total: whatever the texts, it answers. */
export function run(states: States, application: string, command: string, place: Place): Ran {
  switch (application) {
    case counter.name: {
      const ran = runOn(counter, states.counter, command, place);
      if (ran.kind === "refused") return ran;
      return { kind: "applied", states: { ...states, counter: ran.state }, result: ran.result };
    }
    default:
      return { kind: "refused", reason: `no application is named "${application}"` };
  }
}

/** The command as a JSON value, for people to read; `null` when it is none. */
export function describe(application: string, command: string): unknown {
  switch (application) {
    case counter.name:
      return counter.commands.decode(command);
    default:
      return null;
  }
}

export function encodeStates(states: States): readonly EncodedState[] {
  return [encodeStateOf(counter, states.counter)];
}

/** An application that the snapshot does not name yet begins anew; an unknown one is refused. */
export function decodeStates(encoded: readonly EncodedState[]): Read<States> {
  let states = initialStates();
  for (const one of encoded) {
    switch (one.application) {
      case counter.name: {
        const read = decodeStateOf(counter, one);
        if (!read.ok) return read;
        states = { ...states, counter: read.value };
        break;
      }
      default:
        return { ok: false, reason: `no application is named "${one.application}"` };
    }
  }
  return { ok: true, value: states };
}

/** Reads a state of this version or, through `migrate`, of an older one. */
export function decodeStateOf<State, Command, Result, Query, Answer>(
  application: Application<State, Command, Result, Query, Answer>,
  encoded: EncodedState,
): Read<State> {
  const { version, text } = encoded;
  const named = `a state of ${application.name} version ${version}`;
  if (version > application.version) {
    return { ok: false, reason: `${named}: this build reads up to ${application.version}` };
  }
  const state =
    version === application.version
      ? application.codec.decode(text)
      : application.migrate(version, text);
  if (state === null) return { ok: false, reason: `${named}: its text is not a state` };
  return { ok: true, value: state };
}

function encodeStateOf<State, Command, Result, Query, Answer>(
  application: Application<State, Command, Result, Query, Answer>,
  state: State,
): EncodedState {
  const { name, version, codec } = application;
  return { application: name, version, text: codec.encode(state) };
}

type RanOn<State> =
  | { readonly kind: "applied"; readonly state: State; readonly result: string }
  | { readonly kind: "refused"; readonly reason: string };

function runOn<State, Command, Result, Query, Answer>(
  application: Application<State, Command, Result, Query, Answer>,
  state: State,
  text: string,
  place: Place,
): RanOn<State> {
  const command = application.commands.decode(text);
  if (command === null) {
    return { kind: "refused", reason: `not a command of ${application.name}` };
  }
  const applied = application.apply(state, command, place);
  if (applied.kind === "refused") return applied;
  return {
    kind: "applied",
    state: applied.state,
    result: application.results.encode(applied.result),
  };
}

/**
 * `--detach`: a starter of its own that stays behind, and the one in the terminal that passes on
 * what it says until the cluster serves.
 */
import { type ChildProcess, fork } from "node:child_process";
import { appendFileSync } from "node:fs";
import type { Layout } from "../cluster/layout.ts";

/** What the starter in the background tells the one in the terminal. */
type Word =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "serving" }
  | { readonly kind: "failed" };

/**
 * Runs `script` again in the background.
 *
 * @returns whether the cluster serves
 */
export function startInBackground(
  script: string,
  args: readonly string[],
  say: (line: string) => void,
): Promise<boolean> {
  const child = fork(script, [...args, "--in-background"], { detached: true, stdio: "ignore" });
  return new Promise((resolve) => {
    const done = (serving: boolean) => {
      letGo(child);
      resolve(serving);
    };
    child.on("message", (word: Word) => {
      if (word.kind === "line") say(word.text);
      else done(word.kind === "serving");
    });
    child.once("exit", () => done(false));
  });
}

/** The other end, in the background. */
export type Foreground = {
  say(line: string): void;
  /** The terminal's starter need not wait any longer; resolves once it has been told, if it can be. */
  release(serving: boolean): Promise<void>;
  /** Aborted when the terminal's starter is gone before it was released. */
  readonly deserted: AbortSignal;
};

/** Lines go to the terminal as long as it listens, and to a log from then on. */
export function foregroundOf(layout: Layout): Foreground {
  const desertion = new AbortController();
  let released = false;
  process.once("disconnect", () => {
    if (!released) desertion.abort();
  });
  return {
    say(line) {
      if (process.connected) void tell({ kind: "line", text: line });
      else log(layout, line);
    },
    release(serving) {
      released = true;
      return tell({ kind: serving ? "serving" : "failed" });
    },
    deserted: desertion.signal,
  };
}

/** The other side may be gone by now: then nobody needs to hear it. */
function tell(word: Word): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(word, undefined, undefined, () => resolve());
  });
}

function log(layout: Layout, line: string): void {
  try {
    appendFileSync(layout.log("starter"), `${new Date().toISOString()} ${line}\n`);
  } catch {
    // Without its log the starter still has its processes to look after.
  }
}

function letGo(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  child.unref();
}

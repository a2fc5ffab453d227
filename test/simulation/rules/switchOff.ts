/** Loads the core without one of its rules: for a process that has not imported it yet. */
import { registerHooks } from "node:module";
import { type Rule, without } from "./rule.ts";

const core = new URL("../../../node/src/consensus/", import.meta.url).href;

/** Nothing of the core knows of it: sources are changed as this process reads them. */
export function switchOff(rule: Rule): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.startsWith(core)) return loaded;
      const text = new TextDecoder().decode(loaded.source as Uint8Array);
      return { ...loaded, source: without(rule, url.slice(core.length), text) };
    },
  });
}

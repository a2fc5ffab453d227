/** Parts nodes from one another where every way between two of them is a link. */
import type { Network } from "../subject.ts";
import { openLink } from "./link.ts";

const cut = { ...openLink, cut: true };

/** At once: both directions of every pair between one look at a link and the next. */
export function partingOf(link: Network["link"]): Network["part"] {
  return async (side, other) => {
    const links = side.flatMap((a) => other.flatMap((b) => [link(a, b), link(b, a)]));
    for (const each of links) each.set(cut);
    return async () => {
      for (const each of links) each.set(openLink);
    };
  };
}

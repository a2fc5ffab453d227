/** What no cluster of containers can do, known before one is started. */
import type { Ability } from "../subject.ts";

export const shapingIsLacking =
  "docker's networks part containers and join them; they neither delay nor lose, nor cut one way";

export const containersLack: ReadonlyMap<Ability, string> = new Map([
  ["shaping", shapingIsLacking],
]);

import type { AgentVersion } from "../agentVersion.ts";
import type { Fields } from "../http/fields.ts";
import type { Instance } from "../instance.ts";
import { RefusedRequest } from "../refusal.ts";

/** One method of a service: its result becomes the JSON body of the answer. */
export type Method = (instance: Instance, fields: Fields) => unknown;

/** A method, and the versions of the guest agent that have it. */
export type MethodRow = {
  readonly call: Method;
  readonly isIn?: (version: AgentVersion) => boolean;
};

/** @throws RefusedRequest for a name that is no method, or not yet one in `version` */
export function methodNamed(
  rows: ReadonlyMap<string, MethodRow>,
  name: string,
  version: AgentVersion,
): Method {
  const row = rows.get(name);
  if (row === undefined || row.isIn?.(version) === false) {
    throw new RefusedRequest(`Service not found: ${name}`);
  }
  return row.call;
}

/** The methods of `dstack.sock`, mounted at `/<name>`. */
import type { AgentVersion } from "../agentVersion.ts";
import { attest, emitEvent, getQuote } from "./attestation.ts";
import { info, version } from "./information.ts";
import { getKey } from "./keys.ts";
import { type Method, type MethodRow, methodNamed } from "./method.ts";
import { sign, verify } from "./signing.ts";
import { getTlsKey } from "./tls.ts";

const signs = (agent: AgentVersion): boolean => agent.signs;
const reportsVersion = (agent: AgentVersion): boolean => agent.reportsVersion;

const rows: ReadonlyMap<string, MethodRow> = new Map<string, MethodRow>([
  ["GetKey", { call: getKey }],
  ["GetTlsKey", { call: getTlsKey }],
  ["GetQuote", { call: getQuote }],
  ["Attest", { call: attest, isIn: signs }],
  ["EmitEvent", { call: emitEvent }],
  ["Info", { call: info }],
  ["Sign", { call: sign, isIn: signs }],
  ["Verify", { call: verify, isIn: signs }],
  ["Version", { call: version, isIn: reportsVersion }],
]);

/** @throws RefusedRequest Service not found */
export function guestMethod(name: string, agent: AgentVersion): Method {
  return methodNamed(rows, name, agent);
}

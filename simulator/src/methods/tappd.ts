/** The methods of the legacy `tappd.sock`, mounted at `/prpc/<name>`. */
import { p256 } from "@noble/curves/nist";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2";
import {
  keccak_256,
  keccak_384,
  keccak_512,
  sha3_256,
  sha3_384,
  sha3_512,
} from "@noble/hashes/sha3";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { AgentVersion } from "../agentVersion.ts";
import { issueLeaf } from "../certificate/leaf.ts";
import type { Fields } from "../http/fields.ts";
import type { Instance } from "../instance.ts";
import { deriveSecret } from "../keys/kdf.ts";
import { reportDataBytes } from "../quote/layout.ts";
import { RefusedRequest } from "../refusal.ts";
import { paddedReportData, quoteWithLog } from "./attestation.ts";
import { info, version } from "./information.ts";
import { getKey } from "./keys.ts";
import { type Method, type MethodRow, methodNamed } from "./method.ts";
import { leafRequest, type TlsKeyAnswer, tlsKeyAnswer } from "./tls.ts";

type Hash = (data: Uint8Array) => Uint8Array;
type Answer = Readonly<Record<string, unknown>>;

const rows: ReadonlyMap<string, MethodRow> = new Map<string, MethodRow>([
  ["DeriveKey", { call: deriveKey }],
  ["DeriveK256Key", { call: deriveK256Key }],
  ["TdxQuote", { call: tdxQuote }],
  ["RawQuote", { call: rawQuote }],
  ["Info", { call: info }],
  ["Version", { call: version, isIn: (agent: AgentVersion) => agent.reportsVersion }],
]);

const hashes: ReadonlyMap<string, Hash> = new Map<string, Hash>([
  ["sha256", sha256],
  ["sha384", sha384],
  ["sha512", sha512],
  ["sha3-256", sha3_256],
  ["sha3-384", sha3_384],
  ["sha3-512", sha3_512],
  ["keccak256", keccak_256],
  ["keccak384", keccak_384],
  ["keccak512", keccak_512],
]);
const defaultHash = "sha512";
const defaultPrefix = "app-data";

/**
 * @param name with or without `Tappd.` before it, once or more
 * @throws RefusedRequest Service not found
 */
export function tappdMethod(name: string, agent: AgentVersion): Method {
  return methodNamed(rows, name.replace(/^(?:Tappd\.)+/, ""), agent);
}

/** DeriveKey: the 32 bytes of a path as a P-256 key, unless a random one is asked for. */
async function deriveKey(instance: Instance, fields: Fields): Promise<TlsKeyAnswer> {
  const { keys, authority } = instance.app;
  const secret = fields.flag("random_seed")
    ? p256.utils.randomPrivateKey()
    : deriveSecret(keys.appKey, utf8ToBytes(fields.text("path")));
  return tlsKeyAnswer(await issueLeaf(authority, leafRequest(instance, fields, secret)));
}

function deriveK256Key(instance: Instance, fields: Fields): Answer {
  const { key, signature_chain } = getKey(instance, fields);
  return { k256_key: key, k256_signature_chain: signature_chain };
}

/** TdxQuote: a quote over a hash of the caller's data and a prefix, or over 64 raw bytes. */
function tdxQuote(instance: Instance, fields: Fields): Answer {
  const data = fields.bytes("report_data");
  const algorithm = fields.text("hash_algorithm") || defaultHash;
  if (algorithm === "raw") return rawQuoteOver(instance, data);
  const hash = hashes.get(algorithm);
  if (hash === undefined) throw new RefusedRequest("invalid hash algorithm");
  const prefix = fields.text("prefix") || defaultPrefix;
  const digest = hash(concatBytes(utf8ToBytes(`${prefix}:`), data));
  return {
    ...quoteWithLog(instance, paddedReportData(digest)),
    hash_algorithm: algorithm,
    // The agents of this series name the default even where another prefix was hashed.
    prefix: defaultPrefix,
  };
}

function rawQuote(instance: Instance, fields: Fields): Answer {
  return rawQuoteOver(instance, fields.bytes("report_data"));
}

function rawQuoteOver(instance: Instance, reportData: Uint8Array): Answer {
  if (reportData.length !== reportDataBytes) throw new RefusedRequest("invalid content length");
  return { ...quoteWithLog(instance, reportData), hash_algorithm: "raw", prefix: "" };
}

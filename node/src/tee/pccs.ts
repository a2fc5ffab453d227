/**
 * Asks a caching service (PCCS) or Intel's own (PCS) for collateral.
 *
 * The library that verifies quotes could ask as well, but for the processor authority's revocation
 * list only, whichever authority certified the platform; and it waits without end.
 *
 * By node:http rather than fetch, which costs 24 MB of resident memory.
 *
 * @see Intel SGX and TDX Provisioning Certification Service API, version 4
 */
import http from "node:http";
import https from "node:https";
import { z } from "zod";
import { type Certificate, readChain } from "./certificates.ts";
import { type Collateral, collateralSchema } from "./collateral.ts";
import { childrenOf, type Der, readDer } from "./der.ts";
import type { Pck } from "./pck.ts";

/** What collateral is for: a model of platforms, and who certified them. */
export type Model = Pick<Pck, "fmspc" | "authority">;

type Answer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
};

const answerBytesMax = 1_048_576;
const tcbInfoAnswer = z.object({ tcbInfo: z.looseObject({}), signature: z.string() });
const qeIdentityAnswer = z.object({ enclaveIdentity: z.looseObject({}), signature: z.string() });

/**
 * @param options.url with or without the path of version 4
 * @param options.timeoutMs for all of it
 * @throws Error in one line; nothing of the answers is verified
 */
export async function fetchCollateral(
  { fmspc, authority }: Model,
  options: { readonly url: string; readonly timeoutMs: number },
): Promise<Collateral> {
  const base = options.url.replace(/\/+$/, "").replace(/\/(?:sgx|tdx)\/certification\/v4$/, "");
  const signal = AbortSignal.timeout(options.timeoutMs);
  const get = (path: string) => expectFound(path, request(`${base}/${path}`, signal));
  const [crl, tcb, identity] = await Promise.all([
    get(`sgx/certification/v4/pckcrl?ca=${authority}&encoding=der`),
    get(`tdx/certification/v4/tcb?fmspc=${fmspc.toUpperCase()}`),
    get("tdx/certification/v4/qe/identity?update=standard"),
  ]);
  const tcbInfo = tcbInfoAnswer.parse(JSON.parse(tcb.body.toString()));
  const qeIdentity = qeIdentityAnswer.parse(JSON.parse(identity.body.toString()));
  const qeIdentityIssuerChain = headerOf(identity, "sgx-enclave-identity-issuer-chain");
  return collateralSchema.parse({
    // Signed is the text of the member alone, which has neither spaces nor numbers of two forms.
    tcbInfo: JSON.stringify(tcbInfo.tcbInfo),
    tcbInfoSignature: tcbInfo.signature.toLowerCase(),
    tcbInfoIssuerChain: headerOf(tcb, "tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"),
    qeIdentity: JSON.stringify(qeIdentity.enclaveIdentity),
    qeIdentitySignature: qeIdentity.signature.toLowerCase(),
    qeIdentityIssuerChain,
    pckCrl: hexOf(crl.body),
    pckCrlIssuerChain: headerOf(crl, "sgx-pck-crl-issuer-chain"),
    rootCaCrl: hexOf(await rootList(base, qeIdentityIssuerChain, signal)),
  });
}

/** A PCCS serves it; Intel's own service does not, there the root says where it is. */
async function rootList(base: string, chain: string, signal: AbortSignal): Promise<Buffer> {
  const path = "sgx/certification/v4/rootcacrl";
  const answer = await request(`${base}/${path}`, signal);
  if (answer.status === 200) return answer.body;
  const url = distributionPointOf(readChain(chain).at(-1));
  if (url === null) throw new Error(`${path}: status ${answer.status}, and the root names no list`);
  return (await expectFound(url, request(url, signal))).body;
}

const distributionPoints = "2.5.29.31";
const uriTag = 0x86;

function distributionPointOf(root: Certificate | undefined): string | null {
  const extension = root?.extensions.get(distributionPoints);
  if (extension === undefined) return null;
  const uri = leavesOf(readDer(extension)).find(({ tag }) => tag === uriTag);
  return uri === undefined ? null : Buffer.from(uri.content).toString("latin1");
}

function leavesOf(element: Der): readonly Der[] {
  return (element.tag & 0x20) === 0 ? [element] : childrenOf(element).flatMap(leavesOf);
}

async function expectFound(what: string, asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked;
  if (answer.status !== 200) throw new Error(`${what}: status ${answer.status}, expected 200`);
  return answer;
}

function headerOf({ headers }: Answer, ...names: readonly string[]): string {
  const found = names.map((name) => headers[name]).find((value) => typeof value === "string");
  if (typeof found !== "string") throw new Error(`an answer has no header ${names.join(" or ")}`);
  return decodeURIComponent(found);
}

/** Some services answer with hex text where others answer with the bytes. */
function hexOf(body: Buffer): string {
  const text = body.toString("latin1").trim();
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? text.toLowerCase() : body.toString("hex");
}

function request(url: string, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const get = url.startsWith("https:") ? https.get : http.get;
  const outgoing = get(url, { signal }, (incoming) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > answerBytesMax) incoming.destroy(new Error(`more than ${answerBytesMax} bytes`));
    });
    incoming.on("error", reject);
    incoming.on("end", () => {
      const { statusCode: status = 0, headers } = incoming;
      resolve({ status, headers, body: Buffer.concat(chunks) });
    });
  });
  outgoing.on("error", (error) => reject(signal.aborted ? new Error("no answer in time") : error));
  return promise;
}

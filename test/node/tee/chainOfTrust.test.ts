import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readRoot, verifyChainOfTrust } from "../../../node/src/tee/chainOfTrust.ts";
import type { Collateral } from "../../../node/src/tee/collateral.ts";
import { intelRoot } from "../../../node/src/tee/intelRoot.ts";
import { fetchCollateral } from "../../../node/src/tee/pccs.ts";
import { readPck } from "../../../node/src/tee/pck.ts";
import { parseQuote } from "../../../node/src/tee/quote.ts";
import type { CollateralFault } from "../../../simulator/src/faults.ts";
import type { Pki } from "../../../simulator/src/pki/pki.ts";
import { hierarchy, model, quoteOf, startPccs } from "./development.ts";
import { faultOf } from "./support.ts";

let pki: Pki;
let stranger: Pki;
beforeAll(async () => {
  [pki, stranger] = await Promise.all([hierarchy(), hierarchy("another")]);
});

async function collateralWith(faults: readonly CollateralFault[] = [], of = pki) {
  const { state, url } = await startPccs(of);
  state.faults = faults;
  return await fetchCollateral(model, { url, timeoutMs: 60_000 });
}

type Asked = { collateral?: Collateral; root?: string; atMs?: number; quote?: Uint8Array };

async function judge(asked: Asked = {}): Promise<unknown> {
  const { quote = quoteOf(pki), root = pki.root.pem, atMs = Date.now() } = asked;
  const collateral = asked.collateral ?? (await collateralWith());
  const hex = Buffer.from(quote).toString("hex");
  return await verifyChainOfTrust({ quote: hex, collateral, root, atMs }).catch((error) =>
    faultOf(Promise.reject(error)),
  );
}

const untrusted = { code: "quote.rejected", check: "chain of trust" };
const day = 86_400_000;

test("a quote below the configured root is accepted, with the platform's status", async () => {
  expect(await judge()).toEqual({ tcbStatus: "UpToDate", advisoryIds: [] });
});

test("a quote below another root is refused, and both roots are named", async () => {
  expect(await judge({ root: intelRoot })).toMatchObject({
    ...untrusted,
    expected: 'a quote that "Intel SGX Root CA" vouches for',
    actual: expect.stringContaining('ends in "Simulated SGX Root CA"'),
  });
  expect(await judge({ quote: quoteOf(stranger) })).toMatchObject(untrusted);
});

test("a bit changed anywhere in a quote's signed part or its signatures is refused", async () => {
  const collateral = await collateralWith();
  for (const at of [100, 400, 640, 700, 800, 1_160, 1_230]) {
    const quote = Uint8Array.from(quoteOf(pki));
    quote[at] = (quote[at] ?? 0) ^ 1;
    expect(await judge({ quote, collateral })).toMatchObject({ code: "quote.rejected" });
  }
});

test("statuses are told, not judged: those of platforms out of date, and of revoked ones", async () => {
  const outOfDate = await judge({ collateral: await collateralWith(["out-of-date"]) });
  expect(outOfDate).toEqual({ tcbStatus: "OutOfDate", advisoryIds: ["SIMULATED-SA-00001"] });
  const revoked = await judge({ collateral: await collateralWith(["tcb-revoked"]) });
  expect(revoked).toMatchObject({ tcbStatus: "Revoked" });
});

test("a platform whose certificate is revoked is refused", async () => {
  const found = await judge({ collateral: await collateralWith(["pck-revoked"]) });
  expect(found).toMatchObject({ ...untrusted, actual: expect.stringContaining("is revoked") });
});

test("a TDX module of a version that the collateral does not describe is refused", async () => {
  const quote = quoteOf(pki, { teeTcbSvn: Uint8Array.of(5, 2, 2, ...new Uint8Array(13)) });
  expect(await judge({ quote })).toMatchObject({ check: "TDX module", actual: "TDX_02" });
  const old = quoteOf(pki, { teeTcbSvn: Uint8Array.of(4, 1, 2, ...new Uint8Array(13)) });
  expect(await judge({ quote: old })).toMatchObject({
    check: "TDX module's version",
    expected: "at least 5",
    actual: "4",
  });
});

describe("collateral is to blame, and the quote is not judged,", () => {
  const unverifiable = (reason: string) => ({
    code: "quote.unverifiable",
    reason: expect.stringContaining(reason),
  });

  test("when it has ended or has not begun", async () => {
    const expired = await collateralWith(["expired-collateral"]);
    expect(await judge({ collateral: expired })).toEqual(unverifiable("is valid from"));
    const collateral = await collateralWith();
    const late = await judge({ collateral, atMs: Date.now() + 31 * day });
    expect(late).toEqual(unverifiable("is valid from"));
    const early = await judge({ collateral, atMs: Date.now() - day });
    expect(early).toEqual(unverifiable("is valid from"));
  });

  test("when it leads to another root", async () => {
    const collateral = await collateralWith([], stranger);
    expect(await judge({ collateral })).toEqual(unverifiable("expected the configured root"));
  });

  test.each([
    ["tcbInfo", '"UpToDate"', '"OutOfDate"', "TCB info that"],
    ["qeIdentity", '"isvprodid":2', '"isvprodid":3', "QE identity that"],
  ] as const)("when the %s was changed after signing", async (part, from, to, reason) => {
    const collateral = await collateralWith();
    const changed = { ...collateral, [part]: collateral[part].replace(from, to) };
    expect(changed).not.toEqual(collateral);
    expect(await judge({ collateral: changed })).toEqual(unverifiable(reason));
  });

  test("when a revocation list is not signed by its issuer, or is the other's", async () => {
    const collateral = await collateralWith();
    const changed = `${collateral.pckCrl.slice(0, -2)}00`;
    expect(await judge({ collateral: { ...collateral, pckCrl: changed } })).toEqual(
      unverifiable("revocation list"),
    );
    const swapped = { ...collateral, pckCrl: collateral.rootCaCrl };
    expect(await judge({ collateral: swapped })).toEqual(unverifiable("not signed by"));
    const garbage = { ...collateral, rootCaCrl: "00" };
    expect(await judge({ collateral: garbage })).toEqual(unverifiable("revocation list"));
  });

  test("when a platform's certificate stands for that of the TCB signer", async () => {
    const collateral = await collateralWith();
    const { chainPem } = readPck(parseQuote(quoteOf(pki)));
    const changed = { ...collateral, tcbInfoIssuerChain: chainPem };
    expect(await judge({ collateral: changed })).toEqual(
      unverifiable("3 certificates, 2 expected"),
    );
  });
});

test("only a self-signed authority with a P-256 key can be a root", () => {
  expect(() => readRoot(Buffer.from("nothing"))).toThrow("has a certificate that cannot be used");
  expect(() => readRoot(Buffer.from(pki.root.pem.repeat(2)))).toThrow("expected one certificate");
  const { chainPem } = readPck(parseQuote(quoteOf(pki)));
  const [, authority = ""] = chainPem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  expect(() => readRoot(Buffer.from(authority))).toThrow("expected a self-signed certificate");
  expect(readRoot(pki.root.der).x509.subject).toContain("Simulated");
});

const { DSTACK_VECTORS: vectorsFile } = process.env;
const vectorSchema = z.object({
  tdx_quote_verify_intel: z.object({
    quote: z.string(),
    collateral: z.record(z.string(), z.string()),
    verify_at_unix: z.number(),
    expected_status: z.string(),
  }),
});

describe.skipIf(vectorsFile === undefined || !existsSync(vectorsFile))("a real quote", () => {
  function real() {
    const text = readFileSync(vectorsFile ?? "", "utf8");
    const vector = vectorSchema.parse(JSON.parse(text)).tdx_quote_verify_intel;
    const part = (name: string) => vector.collateral[name] ?? "";
    const collateral: Collateral = {
      tcbInfo: part("tcb_info"),
      tcbInfoSignature: part("tcb_info_signature"),
      tcbInfoIssuerChain: part("tcb_info_issuer_chain"),
      qeIdentity: part("qe_identity"),
      qeIdentitySignature: part("qe_identity_signature"),
      qeIdentityIssuerChain: part("qe_identity_issuer_chain"),
      pckCrl: part("pck_crl"),
      pckCrlIssuerChain: part("pck_crl_issuer_chain"),
      rootCaCrl: part("root_ca_crl"),
    };
    const { quote, expected_status: status, verify_at_unix: seconds } = vector;
    return { quote: Buffer.from(quote, "hex"), collateral, status, atMs: seconds * 1_000 };
  }

  test("leads to Intel's root at its date, and names its platform", async () => {
    const { quote, collateral, atMs, status } = real();
    expect(await judge({ quote, collateral, atMs, root: intelRoot })).toEqual({
      tcbStatus: status,
      advisoryIds: [],
    });
    const { ppid, deviceId, fmspc, authority } = readPck(parseQuote(quote));
    expect(ppid).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(deviceId).not.toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect([fmspc, authority]).toEqual(["b0c06f000000", "platform"]);
  });

  test("is not judged by collateral of another date, and leads to no other root", async () => {
    const { quote, collateral, atMs } = real();
    const later = { quote, collateral, atMs: atMs + 60 * day, root: intelRoot };
    expect(await judge(later)).toMatchObject({ code: "quote.unverifiable" });
    expect(await judge({ quote, collateral, atMs })).toMatchObject(untrusted);
  });
});

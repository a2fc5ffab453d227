import { beforeAll, expect, test } from "vitest";
import { readPck } from "../../../node/src/tee/pck.ts";
import { parseQuote } from "../../../node/src/tee/quote.ts";
import type { Pki } from "../../../simulator/src/pki/pki.ts";
import { hierarchy, quoteOf } from "./development.ts";

let pki: Pki;
beforeAll(async () => {
  pki = await hierarchy();
});

/** Where Intel's layout has them, from the start of the quote. */
const outerType = 764;
const authDataLength = 1_218;
const innerType = 1_252;
const innerLength = 1_254;
const pem = 1_258;

function readWith(change: (quote: Buffer) => void) {
  const quote = Buffer.from(quoteOf(pki));
  change(quote);
  return () => readPck(parseQuote(quote));
}

test("the platform, its model and its authority are read from the certificate", () => {
  const { ppid, deviceId, fmspc, pceId, authority, chain } = readPck(parseQuote(quoteOf(pki)));
  const { device } = pki;
  expect(ppid).toBe(Buffer.from(device.ppid).toString("hex"));
  expect(deviceId).toBe(Buffer.from(device.deviceId).toString("hex"));
  expect({ fmspc, pceId, authority }).toEqual({
    fmspc: "00de57ac0000",
    pceId: "0000",
    authority: "platform",
  });
  expect(chain).toHaveLength(3);
});

test("the certificates that are passed on are those that were read, whatever stands between", () => {
  const { chainPem, chain } = readPck(parseQuote(quoteOf(pki)));
  expect(chainPem).toBe(chain.map(({ x509 }) => x509.toString()).join(""));
  expect(chainPem).not.toContain("\0");
});

test.each([
  ["another outer type", outerType, 5, "type 5, not 6"],
  ["another inner type", innerType, 3, "type 3, not 5"],
  ["other QE authentication data", authDataLength, 31, "31 bytes, 32 expected"],
] as const)("%s is malformed", (_, at, value, reason) => {
  expect(readWith((quote) => quote.writeUInt16LE(value, at))).toThrow(reason);
});

test("a chain that is longer or shorter than said is malformed", () => {
  const said = (by: number) => (quote: Buffer) =>
    void quote.writeUInt32LE(quote.readUInt32LE(innerLength) + by, innerLength);
  expect(readWith(said(1))).toThrow("certification data should have");
  expect(readWith(said(-1))).toThrow("certification data should have");
});

test("what is no certificate is malformed", () => {
  expect(readWith((quote) => void quote.fill("x", pem))).toThrow("has 0 certificates");
  expect(readWith((quote) => void quote.fill("A", pem + 40, pem + 60))).toThrow("its PCK chain");
});

test("a certificate that names no platform is malformed", () => {
  const swap = (quote: Buffer) => {
    const text = quote.subarray(pem).toString("latin1");
    const [leaf = "", authority = ""] =
      text.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
    quote.write(authority + leaf, pem, "latin1");
  };
  expect(readWith(swap)).toThrow("names no SGX platform");
});

/** A simulator with a PCCS, and a verifier of its quotes that asks there. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Collateral, getCollateral, QuoteVerifier } from "@phala/dcap-qvl";
import { DstackClient } from "@phala/dstack-sdk";
import type { CollateralFault } from "../../../simulator/src/faults.ts";
import type { SimulatorSettings } from "../../../simulator/src/simulator.ts";
import { freePort, type Running, running } from "../support.ts";

export type Attested = Running & { readonly pccs: string };

export async function attested(overrides: Partial<SimulatorSettings> = {}): Promise<Attested> {
  const port = await freePort();
  const pccs = { host: "127.0.0.1", port, isControlled: true };
  const simulator = await running({ pccs, ...overrides });
  return { ...simulator, pccs: `http://127.0.0.1:${port}` };
}

export async function quoteOf({ socket }: Running, reportData = "hello"): Promise<Buffer> {
  return Buffer.from((await new DstackClient(socket).getQuote(reportData)).quote, "hex");
}

/** What the simulator wrote for verifiers to read. */
export function rootOf(simulator: Running): Buffer {
  return new X509Certificate(readFileSync(simulator.identity.attestationRoot)).raw;
}

/** Status of a quote under the simulator's root, by the collateral that its PCCS has now. */
export async function statusOf(simulator: Attested, quote: Buffer): Promise<string> {
  return verdict(rootOf(simulator), quote, await getCollateral(simulator.pccs, quote));
}

/** @throws Error in the library's words */
export function verdict(root: Buffer, quote: Buffer, collateral: Collateral): string {
  const verifier = QuoteVerifier.newWithRootCa(root);
  return verifier.verify(quote, collateral, nowSeconds()).status;
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

export function setFaults(
  simulator: Attested,
  faults: readonly CollateralFault[],
): Promise<Response> {
  return fetch(`${simulator.pccs}/faults`, { method: "POST", body: JSON.stringify(faults) });
}

// The published verifier of quotes, over the whole way: agent, quote, PCCS, verdict.
import { createHash } from "node:crypto";
import { getCollateral, getCollateralAndVerify, QuoteVerifier } from "@phala/dcap-qvl";
import { DstackClient } from "@phala/dstack-sdk";
import { describe, expect, test } from "vitest";
import { createPki } from "../../../simulator/src/pki/pki.ts";
import {
  type Attested,
  attested,
  nowSeconds,
  quoteOf,
  rootOf,
  statusOf,
  verdict,
} from "../pccs/support.ts";
import { decodeAttestation } from "./scale.ts";

const foreignChain = "Failed to verify certificate chain - intermediate signature invalid";
const hello = Buffer.from("hello".padEnd(64, "\0"));

describe("a quote", () => {
  test("is accepted under the simulator's root, with what was asked in it", async () => {
    const simulator = await attested();
    const quote = await quoteOf(simulator);
    const collateral = await getCollateral(simulator.pccs, quote);
    const verifier = QuoteVerifier.newWithRootCa(rootOf(simulator));
    const { status, advisory_ids, report } = verifier.verify(quote, collateral, nowSeconds());

    expect({ status, advisory_ids }).toEqual({ status: "UpToDate", advisory_ids: [] });
    expect(Buffer.from(report.asTd10()?.reportData ?? [])).toEqual(hello);
  });

  test("is refused under Intel's root, and under that of another seed", async () => {
    const simulator = await attested();
    const quote = await quoteOf(simulator);
    const collateral = await getCollateral(simulator.pccs, quote);
    const other = await createPki("another seed", "default");
    const underIntels = QuoteVerifier.newProd();

    expect(() => underIntels.verify(quote, collateral, nowSeconds())).toThrow(foreignChain);
    expect(() => verdict(Buffer.from(other.root.der), quote, collateral)).toThrow(foreignChain);
    await expect(getCollateralAndVerify(quote, simulator.pccs)).rejects.toThrow(foreignChain);
  });

  test.each([
    ["the header's user data", 28, "ISV enclave report signature is invalid"],
    ["the TD attributes", 170, "ISV enclave report signature is invalid"],
    ["MRTD", 184, "ISV enclave report signature is invalid"],
    ["register 3", 520, "ISV enclave report signature is invalid"],
    ["the report data", 568, "ISV enclave report signature is invalid"],
    ["the signature", 636, "ISV enclave report signature is invalid"],
    ["the attestation key", 700, "QE report hash mismatch"],
    ["the enclave's report", 770 + 64, "Signature is invalid for qe_report in quote"],
    ["the signature of that report", 1154, "Signature is invalid for qe_report in quote"],
    ["the authentication data", 1220, "QE report hash mismatch"],
  ])("with another bit in %s is refused", async (_part, offset, reason) => {
    const simulator = await attested();
    const quote = await quoteOf(simulator);
    const collateral = await getCollateral(simulator.pccs, quote);
    quote[offset] = (quote[offset] ?? 0) ^ 1;
    expect(() => verdict(rootOf(simulator), quote, collateral)).toThrow(reason);
  });

  test("of another device is accepted by the same collateral", async () => {
    const simulator = await attested();
    const elsewhere = await attested({ device: "another" });
    const quote = await quoteOf(elsewhere);

    expect(await statusOf(simulator, quote)).toBe("UpToDate");
    expect(quote).not.toEqual(await quoteOf(simulator));
    expect(elsewhere.identity.deviceId).not.toBe(simulator.identity.deviceId);
  });

  test("inside an attestation is as good as one alone", async () => {
    const simulator = await attested();
    const { attestation } = await new DstackClient(simulator.socket).attest("hello");
    const { quote, reportData } = decodeAttestation(Buffer.from(attestation, "hex"));

    expect(await statusOf(simulator, Buffer.from(quote))).toBe("UpToDate");
    expect(Buffer.from(reportData)).toEqual(hello);
  });
});

describe("on purpose", () => {
  test("wrong report data is signed in place of that which was asked for", async () => {
    const simulator = await attested({ faults: ["wrong-report-data"] });
    const answer = await new DstackClient(simulator.socket).getQuote(hello);
    const quote = Buffer.from(answer.quote, "hex");

    expect(await statusOf(simulator, quote)).toBe("UpToDate");
    expect(answer.report_data).toBe(hello.toString("hex"));
    expect(quote.subarray(568, 632)).toEqual(Buffer.from(hello.map((byte) => byte ^ 0xff)));
  });

  test("a trust domain is debuggable", async () => {
    const simulator = await attested({ faults: ["debug"] });
    const quote = await quoteOf(simulator);
    await expect(statusOf(simulator, quote)).rejects.toThrow("Debug mode is enabled");
  });

  test("the first quote is replayed, by each instance its own", async () => {
    const simulator = await attested({
      faults: ["replayed-quote"],
      instanceNames: ["node1", "node2"],
    });
    const [first, second] = simulator.identity.instances.map(({ socket }) => ({
      ...simulator,
      socket,
    }));
    const [quote, other] = [await quoteOf(at(first), "one"), await quoteOf(at(second), "two")];

    expect(await quoteOf(at(first), "three")).toEqual(quote);
    expect(await quoteOf(at(second), "three")).toEqual(other);
    expect(other).not.toEqual(quote);
    expect(await statusOf(simulator, quote)).toBe("UpToDate");
  });

  test("a quote is signed below a root that nobody was told of", async () => {
    const simulator = await attested({ faults: ["foreign-root"] });
    const quote = await quoteOf(simulator);
    await expect(statusOf(simulator, quote)).rejects.toThrow(foreignChain);
  });

  test("one bit of the signature is wrong", async () => {
    const simulator = await attested({ faults: ["bad-signature"] });
    const quote = await quoteOf(simulator);
    await expect(statusOf(simulator, quote)).rejects.toThrow("signature is invalid");
  });

  test("faults come together", async () => {
    const simulator = await attested({ faults: ["wrong-report-data", "bad-signature"] });
    const quote = await quoteOf(simulator);
    expect(quote.subarray(568, 632)).not.toEqual(hello);
    await expect(statusOf(simulator, quote)).rejects.toThrow("signature is invalid");
  });
});

describe("an event log", () => {
  test("replays to register 3 of the quote, its digests computed from names and payloads", async () => {
    const { log, quote } = await logged(await attested());
    expect(replayed(log)).toBe(quote.subarray(520, 568).toString("hex"));
  });

  test("lies on purpose, and then does not", async () => {
    const simulator = await attested({ faults: ["wrong-event-log"] });
    const { log, quote } = await logged(simulator);
    expect(await statusOf(simulator, quote)).toBe("UpToDate");
    expect(replayed(log)).not.toBe(quote.subarray(520, 568).toString("hex"));
  });

  test("lies in its payload alone: the digests that the form `full` keeps still replay", async () => {
    const simulator = await attested({ faults: ["wrong-event-log"], eventLog: "full" });
    const answer = await new DstackClient(simulator.socket).getQuote("hello");
    const quote = Buffer.from(answer.quote, "hex");
    expect(answer.replayRtmrs()[3]).toBe(quote.subarray(520, 568).toString("hex"));
    expect(replayed(JSON.parse(answer.event_log))).not.toBe(answer.replayRtmrs()[3]);
  });
});

type LogEntry = { readonly imr: number; readonly event: string; readonly event_payload: string };

function at(simulator: Attested | undefined): Attested {
  if (simulator === undefined) throw new Error("expected an instance");
  return simulator;
}

async function logged(simulator: Attested): Promise<{ log: LogEntry[]; quote: Buffer }> {
  const { quote, event_log } = await new DstackClient(simulator.socket).getQuote("hello");
  return { log: JSON.parse(event_log), quote: Buffer.from(quote, "hex") };
}

/** Register 3, by one who believes no digest. */
function replayed(log: readonly LogEntry[]): string {
  const sha384 = (...parts: readonly Buffer[]): Buffer =>
    createHash("sha384").update(Buffer.concat(parts)).digest();
  const type = Buffer.from("01000008", "hex");
  return log
    .filter(({ imr }) => imr === 3)
    .map(({ event, event_payload }) =>
      sha384(type, Buffer.from(`:${event}:`), Buffer.from(event_payload, "hex")),
    )
    .reduce((register, digest) => sha384(register, digest), Buffer.alloc(48))
    .toString("hex");
}

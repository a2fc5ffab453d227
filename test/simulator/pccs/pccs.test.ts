import { X509Certificate as NodeCertificate, verify } from "node:crypto";
import "reflect-metadata";
import { X509Certificate, X509Crl } from "@peculiar/x509";
import { getCollateral } from "@phala/dcap-qvl";
import { describe, expect, test } from "vitest";
import type { CollateralFault } from "../../../simulator/src/faults.ts";
import { validityAt } from "../../../simulator/src/pccs/documents.ts";
import { isLoopback } from "../../../simulator/src/pccs/server.ts";
import { freePort, running } from "../support.ts";
import {
  type Attested,
  attested,
  quoteOf,
  rootOf,
  setFaults,
  statusOf,
  verdict,
} from "./support.ts";

const pckSerial = "738d5555be2f26b8299317b0c1735fb9";
const fmspc = "00DE57AC0000";
const tcbPath = `/tdx/certification/v4/tcb?fmspc=${fmspc}`;
const enclavePath = "/tdx/certification/v4/qe/identity?update=standard";

function ask({ pccs }: Attested, path: string, init?: RequestInit): Promise<Response> {
  return fetch(`${pccs}${path}`, init);
}

async function crlOf(simulator: Attested, ca: string): Promise<X509Crl> {
  const path = `/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`;
  return new X509Crl(await (await ask(simulator, path)).arrayBuffer());
}

/** Certificates of a header, issuer first. */
function chainIn(response: Response, header: string): readonly NodeCertificate[] {
  const pem = decodeURIComponent(response.headers.get(header) ?? "");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
  expect(blocks.join("")).toBe(pem);
  return blocks.map((block) => new NodeCertificate(block));
}

describe("the revocation list", () => {
  test.each([
    ["platform", "Simulated SGX PCK Platform CA"],
    ["processor", "Simulated SGX PCK Processor CA"],
  ])("of the %s authority is signed by it, and its chain leads to the root", async (ca, name) => {
    const simulator = await attested();
    const path = `/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`;
    const response = await ask(simulator, path);
    const [authority, root] = chainIn(response, "SGX-PCK-CRL-Issuer-Chain");
    const list = new X509Crl(await response.arrayBuffer());

    expect(response.headers.get("content-type")).toBe("application/pkix-crl");
    expect(list.issuer).toContain(name);
    expect(authority?.subject).toContain(name);
    expect(await list.verify(new X509Certificate(authority?.raw ?? ""))).toBe(true);
    expect(authority?.verify(root?.publicKey as never)).toBe(true);
    expect(root?.raw).toEqual(rootOf(simulator));
    expect(list.entries).toEqual([]);
    expect(list.nextUpdate).toEqual(new Date("2049-12-31T23:59:59Z"));
  });

  test("of the root comes as hex, and is signed by it", async () => {
    const simulator = await attested();
    const text = await (await ask(simulator, "/sgx/certification/v4/rootcacrl")).text();
    const list = new X509Crl(Buffer.from(text, "hex"));
    expect(await list.verify(new X509Certificate(rootOf(simulator)))).toBe(true);
    expect(list.entries).toEqual([]);
  });

  test("comes as PEM unless DER is asked for", async () => {
    const simulator = await attested();
    const pem = await (await ask(simulator, "/sgx/certification/v4/pckcrl?ca=platform")).text();
    expect(pem).toMatch(/^-----BEGIN X509 CRL-----\n[\s\S]+\n-----END X509 CRL-----\n$/);
    expect(new X509Crl(pem).rawData).toEqual((await crlOf(simulator, "platform")).rawData);
  });

  test("of the platform authority revokes the device on purpose, that of processors never", async () => {
    const simulator = await attested({ collateralFaults: ["pck-revoked"] });
    const [entry, ...others] = (await crlOf(simulator, "platform")).entries;
    expect(entry?.serialNumber).toBe(pckSerial);
    expect(others).toEqual([]);
    expect((await crlOf(simulator, "processor")).entries).toEqual([]);
  });
});

describe("a signed document", () => {
  test.each([
    ["tcbInfo", tcbPath, "TCB-Info-Issuer-Chain"],
    ["enclaveIdentity", enclavePath, "SGX-Enclave-Identity-Issuer-Chain"],
  ])("%s is signed as it is written, by a chain to the root", async (name, path, header) => {
    const simulator = await attested();
    const response = await ask(simulator, path);
    const [signer, root] = chainIn(response, header);
    const text = await response.text();
    const { signature, [name]: document } = JSON.parse(text);

    expect(text).toBe(`{"${name}":${JSON.stringify(document)},"signature":"${signature}"}`);
    const key = { key: signer?.publicKey as never, dsaEncoding: "ieee-p1363" as const };
    const signed = Buffer.from(JSON.stringify(document));
    expect(verify("sha256", signed, key, Buffer.from(signature, "hex"))).toBe(true);
    expect(signer?.verify(root?.publicKey as never)).toBe(true);
    expect(root?.raw).toEqual(rootOf(simulator));
  });

  test("is valid for thirty days from the hour before this one", () => {
    const now = new Date("2026-03-04T05:06:07.890Z");
    expect(validityAt(now, [])).toEqual({
      issueDate: new Date("2026-03-04T04:00:00Z"),
      nextUpdate: new Date("2026-04-03T04:00:00Z"),
    });
    expect(validityAt(now, ["expired-collateral"])).toEqual({
      issueDate: new Date("2026-01-03T04:00:00Z"),
      nextUpdate: new Date("2026-02-02T04:00:00Z"),
    });
  });
});

describe("a platform", () => {
  test.each([
    ["out-of-date", "OutOfDate"],
    ["pck-revoked", "UpToDate"],
  ] as const)("of which the collateral is %s has the status %s", async (fault, status) => {
    const simulator = await attested({ collateralFaults: [fault] });
    expect(await statusOf(simulator, await quoteOf(simulator))).toBe(status);
  });

  test.each([
    ["tcb-revoked", "TCB status is invalid: Revoked"],
    ["expired-collateral", "TCBInfo expired"],
    ["not-found", "Failed to fetch PCK CRL: 404"],
    ["unavailable", "Failed to fetch PCK CRL: 503"],
  ] as const)("of which the collateral is %s is refused", async (fault, reason) => {
    const simulator = await attested({ collateralFaults: [fault] });
    await expect(statusOf(simulator, await quoteOf(simulator))).rejects.toThrow(reason);
  });

  test("whose certificate is revoked is refused by who asks for the right list", async () => {
    const simulator = await attested({ collateralFaults: ["pck-revoked"] });
    const quote = await quoteOf(simulator);
    // The stock client asks for the list of processors, whichever authority issued.
    const collateral = await getCollateral(simulator.pccs, quote);
    const { rawData } = await crlOf(simulator, "platform");
    const complete = { ...collateral, pck_crl: Buffer.from(rawData).toString("hex") };
    expect(() => verdict(rootOf(simulator), quote, complete)).toThrow("Certificate is revoked");
  });

  test("that lacks updates lacks those of an advisory", async () => {
    const simulator = await attested({ collateralFaults: ["out-of-date"] });
    const { tcbInfo } = JSON.parse(await (await ask(simulator, tcbPath)).text());
    expect(tcbInfo.tcbLevels).toMatchObject([
      { tcb: { pcesvn: 14 }, tcbStatus: "UpToDate" },
      { tcb: { pcesvn: 13 }, tcbStatus: "OutOfDate", advisoryIDs: ["SIMULATED-SA-00001"] },
    ]);
  });
});

describe("the PCCS refuses", () => {
  test.each([
    ["/sgx/certification/v4/pckcrl?ca=other", 400, "expected platform or processor, got other"],
    ["/sgx/certification/v4/pckcrl", 400, "expected platform or processor, got null"],
    ["/sgx/certification/v4/pckcrl?ca=platform&encoding=txt", 400, "expected der or pem, got txt"],
    ["/tdx/certification/v4/tcb?fmspc=12", 400, "expected 12 hex digits, got 12"],
    ["/tdx/certification/v4/tcb?fmspc=000000000000", 404, "no model 000000000000"],
    ["/sgx/certification/v4/tcb?fmspc=00DE57AC0000", 404, "not found"],
    ["/", 404, "not found"],
  ])("%s", async (path, status, reason) => {
    const response = await ask(await attested(), path);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(reason);
  });

  test("what is no GET", async () => {
    const response = await ask(await attested(), tcbPath, { method: "POST" });
    expect(response.status).toBe(405);
  });
});

describe("the switch of faults", () => {
  test("turns them on and off while the PCCS serves", async () => {
    const simulator = await attested();
    const statuses: number[] = [];
    for (const faults of [[], ["unavailable"], ["not-found"], []] satisfies CollateralFault[][]) {
      await setFaults(simulator, faults);
      statuses.push((await ask(simulator, tcbPath)).status);
    }
    expect(statuses).toEqual([200, 503, 404, 200]);
  });

  test("tells what is wrong now, also while nothing else is served", async () => {
    const simulator = await attested({ collateralFaults: ["unavailable"] });
    expect(await (await ask(simulator, "/faults")).json()).toEqual(["unavailable"]);
  });

  test.each(["{}", "", '["debug"]', "[1]"])("refuses %j, and changes nothing", async (body) => {
    const simulator = await attested({ collateralFaults: ["out-of-date"] });
    const response = await ask(simulator, "/faults", { method: "POST", body });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("expected a JSON array of out-of-date, tcb-revoked");
    expect(await (await ask(simulator, "/faults")).json()).toEqual(["out-of-date"]);
  });

  test("is not there unless it was asked for", async () => {
    const pccs = { host: "127.0.0.1", port: await freePort(), isControlled: false };
    const { identity } = await running({ pccs });
    expect((await fetch(`${identity.pccs}/faults`)).status).toBe(404);
    const change = { method: "POST", body: '["unavailable"]' };
    expect((await fetch(`${identity.pccs}/faults`, change)).status).toBe(405);
  });

  test.each([
    ["127.0.0.1", true],
    ["127.8.9.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["10.0.0.1", false],
    ["::", false],
    ["1127.0.0.1", false],
    ["fe80::1", false],
    ["", false],
  ])("takes requests from %j: %j", (address, taken) => {
    expect(isLoopback(address)).toBe(taken);
  });
});

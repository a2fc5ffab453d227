import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTrustSettings } from "../../../node/src/tee/attestation.ts";
import { hierarchy } from "./development.ts";
import { temporaryDirectory } from "./support.ts";

const tcbStatusesAllowed = ["UpToDate"];
const nothing = { attestationRoot: undefined, osMeasurements: undefined, tcbStatusesAllowed };

function written(content: string | Uint8Array): string {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, content);
  return file;
}

test("Intel's root is trusted where no other is named, and any image accepted", () => {
  const { root, policy } = readTrustSettings(nothing);
  // As Intel publishes it.
  expect(root.x509.fingerprint256.replaceAll(":", "")).toBe(
    "44A0196B2B99F889B8E149E95B807A350E7424964399E885A7CBB8CCFAB674D3",
  );
  expect(policy).toEqual({ tcbStatusesAllowed, osMeasurements: [] });
});

test("a root is read as PEM and as DER", async () => {
  const { root } = await hierarchy();
  for (const content of [root.pem, root.der]) {
    const settings = readTrustSettings({ ...nothing, attestationRoot: written(content) });
    expect(settings.root.x509.subject).toContain("Simulated SGX Root CA");
  }
});

test("a root that cannot be read is named with its variable and file", () => {
  const file = written("no certificate");
  expect(() => readTrustSettings({ ...nothing, attestationRoot: file })).toThrow(
    `ATTESTATION_ROOT: ${file} cannot be used: has a certificate that cannot be used`,
  );
  expect(() => readTrustSettings({ ...nothing, attestationRoot: "/nowhere" })).toThrow("ENOENT");
});

const registers = { mrTd: "7D".repeat(48), rtmr1: "01".repeat(48), rtmr2: "02".repeat(48) };
const withImages = (content: string) =>
  readTrustSettings({ ...nothing, osMeasurements: written(content) });

test("measurements are read in either case of letters, RTMR0 only where it is given", () => {
  const image = { name: "dstack-0.5.8", ...registers };
  const { policy } = withImages(JSON.stringify([image, { ...image, rtmr0: "00".repeat(48) }]));
  expect(policy.osMeasurements).toEqual([
    { ...image, mrTd: "7d".repeat(48) },
    { ...image, mrTd: "7d".repeat(48), rtmr0: "00".repeat(48) },
  ]);
});

test.each([
  ["nothing", "", "OS_MEASUREMENTS"],
  ["no image", "[]", "expected one image at least"],
  ["a short register", JSON.stringify([{ name: "a", ...registers, rtmr1: "01" }]), "0.rtmr1"],
  ["a missing register", JSON.stringify([{ name: "a", mrTd: registers.mrTd }]), "0.rtmr1"],
  ["an unknown register", JSON.stringify([{ name: "a", ...registers, rtmr3: "" }]), "rtmr3"],
])("a list of measurements with %s is refused, and the place is named", (_, content, place) => {
  expect(() => withImages(content)).toThrow(place);
});

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeLayout } from "../../../scripts/release/oci.ts";

const layers = [Buffer.from("first layer"), Buffer.alloc(100_000, 7)];
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const config = Buffer.from(
  JSON.stringify({ os: "linux", rootfs: { type: "layers", diff_ids: layers.map(sha256) } }),
);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "oci-"));
});

afterEach(async () => rm(folder, { recursive: true, force: true }));

/** As `docker save` writes it, unpacked. */
async function save(name: string, blobs: readonly Uint8Array[]): Promise<string> {
  const saved = join(folder, name);
  await mkdir(saved);
  const paths = blobs.map((_, position) => `layer${position}`);
  for (const [position, path] of paths.entries()) {
    await writeFile(join(saved, path), blobs[position] ?? "");
  }
  await writeFile(join(saved, "config"), config);
  const manifest = [{ Config: "config", RepoTags: null, Layers: paths }];
  await writeFile(join(saved, "manifest.json"), JSON.stringify(manifest));
  return saved;
}

test("the digest is that of a manifest over uncompressed layers, by the OCI specification", async () => {
  const layout = join(folder, "layout");
  const { digest, imageId } = await writeLayout(await save("saved", layers), layout);

  const manifest =
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
    `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"${sha256(config)}",` +
    `"size":${config.length}},"layers":[` +
    `{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"${sha256(layers[0] ?? config)}",` +
    '"size":11},' +
    `{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"${sha256(layers[1] ?? config)}",` +
    '"size":100000}]}';
  expect(digest).toBe(sha256(Buffer.from(manifest)));
  expect(imageId).toBe(sha256(config));

  const blob = (name: string) => readFile(join(layout, "blobs", name.replace(":", "/")));
  for (const bytes of [Buffer.from(manifest), config, ...layers]) {
    expect((await blob(sha256(bytes))).equals(bytes)).toBe(true);
  }
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as unknown;
  expect(index).toMatchObject({ manifests: [{ digest, size: manifest.length }] });
});

test("an engine that saves layers compressed gives the same digest", async () => {
  const plain = await writeLayout(await save("plain", layers), join(folder, "a"));
  const compressed = layers.map((layer, level) => gzipSync(layer, { level: level + 1 }));
  const other = await writeLayout(await save("compressed", compressed), join(folder, "b"));
  expect(other).toEqual(plain);
});

test.each<readonly [string, readonly Uint8Array[], RegExp]>([
  ["other bytes", [Buffer.from("else"), Buffer.from("x")], /layer0 is neither sha256:\w+ nor comp/],
  ["other bytes, compressed", [gzipSync("else"), gzipSync("x")], /layer0 is sha256:.*; expected/],
  ["one layer of two", layers.slice(1), /^1 layers were saved; expected 2$/],
])("%s in place of a layer are refused", async (_, blobs, complaint) => {
  const saved = await save("saved", blobs);
  await expect(writeLayout(saved, join(folder, "layout"))).rejects.toThrow(complaint);
});

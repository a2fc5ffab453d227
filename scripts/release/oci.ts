/**
 * The digest of an image, computed from what `docker save` writes.
 *
 * A manifest lists layers as they are transferred, and compressors differ between engines and their
 * versions; so the one made here lists them uncompressed, and its digest follows from the image's
 * content alone. Registries and engines take such layers.
 *
 * @see OCI image format specification 1.1: manifest, image layout
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { z } from "zod";

export type ImageIdentity = {
  /** `sha256:` and 64 hex digits, of the manifest: what `image: name@…` names. */
  readonly digest: string;
  /** Likewise, of the configuration: the image's id, which no compression changes. */
  readonly imageId: string;
};

type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };

const savedSchema = z.tuple([z.object({ Config: z.string(), Layers: z.array(z.string()) })]);
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar";

/**
 * Writes an OCI image layout of one image.
 *
 * @param saved the folder into which the output of `docker save` was unpacked; its layers are moved
 * @param layout a folder, which is made
 * @throws Error when a layer is not the one that the image's configuration names
 */
export async function writeLayout(saved: string, layout: string): Promise<ImageIdentity> {
  await mkdir(join(layout, "blobs/sha256"), { recursive: true });
  const [{ Config, Layers }] = savedSchema.parse(await readJson(join(saved, "manifest.json")));
  const configBytes = await readFile(join(saved, Config));
  const { diff_ids } = configSchema.parse(JSON.parse(configBytes.toString())).rootfs;
  if (diff_ids.length !== Layers.length) {
    throw new Error(`${Layers.length} layers were saved; expected ${diff_ids.length}`);
  }
  // An image may hold one layer twice, which is then one file.
  const layers = new Map<string, Descriptor>();
  for (const [position, digest] of diff_ids.entries()) {
    if (layers.has(digest)) continue;
    const size = await moveLayer(join(saved, Layers[position] ?? ""), layout, digest);
    layers.set(digest, { mediaType: layerType, digest, size });
  }
  const config = await writeBlob(layout, configType, configBytes);
  const manifest = await writeBlob(
    layout,
    manifestType,
    jsonBytes({
      schemaVersion: 2,
      mediaType: manifestType,
      config,
      layers: diff_ids.map((digest) => layers.get(digest)),
    }),
  );
  const index = { schemaVersion: 2, mediaType: indexType, manifests: [manifest] };
  await writeFile(join(layout, "index.json"), jsonBytes(index));
  await writeFile(join(layout, "oci-layout"), jsonBytes({ imageLayoutVersion: "1.0.0" }));
  return { digest: manifest.digest, imageId: config.digest };
}

/** @returns the layer's size in bytes, uncompressed */
async function moveLayer(file: string, layout: string, digest: string): Promise<number> {
  const target = blobPath(layout, digest);
  if ((await digestOf(file)) === digest) {
    await rename(file, target);
  } else {
    // Engines with containerd's image store save layers as they were transferred.
    await pipeline(createReadStream(file), createGunzip(), createWriteStream(target)).catch(
      async (error: unknown) => {
        await rm(target, { force: true });
        throw new Error(`the layer ${file} is neither ${digest} nor compressed by gzip`, {
          cause: error,
        });
      },
    );
    const found = await digestOf(target);
    if (found !== digest) throw new Error(`the layer ${file} is ${found}; expected ${digest}`);
  }
  return (await stat(target)).size;
}

async function writeBlob(
  layout: string,
  mediaType: string,
  bytes: Uint8Array,
): Promise<Descriptor> {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeFile(blobPath(layout, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest("hex")}`;
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, "utf8"));
}

function blobPath(layout: string, digest: string): string {
  return join(layout, "blobs", digest.replace(":", "/"));
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

import type { IncomingMessage } from "node:http";
import { RefusedRequest } from "../refusal.ts";

const bodyBytesMax = 10 * 1024 * 1024;

/**
 * Reads a request to its end, and keeps at most 10 MiB of it.
 *
 * A larger body is still read, since a client that is cut off while it sends never sees why.
 *
 * @throws RefusedRequest payload too large
 */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bodyBytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("expected the request to yield buffers");
    bodyBytes += chunk.length;
    if (bodyBytes <= bodyBytesMax) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bodyBytes > bodyBytesMax) throw new RefusedRequest("payload too large");
  return Buffer.concat(chunks);
}

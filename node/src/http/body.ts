/** Request bodies, bounded: nobody makes a node hold more than this. */
import { RequestError } from "./problem.ts";

export const bodyBytesMax = 64 * 1024;

/** @throws RequestError request.tooLarge, request.malformed */
export async function readBody(request: Request): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared === "0") return "";
  if (declared !== null && Number(declared) > bodyBytesMax) throw tooLarge();
  // The HTTP parser holds a client to the length that it declared.
  return decodeBody(await orCutShort(declared === null ? readChunks(request) : readWhole(request)));
}

async function readWhole(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

async function readChunks(request: Request): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request.body ?? []) {
    bytes += piece.length;
    if (bytes > bodyBytesMax) throw tooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Clients go away in the middle of their bodies, or break off: no fault of this node. */
async function orCutShort(reading: Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RequestError) throw error;
    const message = "the body: expected it whole, the connection ended before";
    throw new RequestError({ code: "request.malformed" }, message, { cause: error });
  }
}

/** @throws RequestError request.malformed: when the bytes are not UTF-8 */
export function decodeBody(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new RequestError({ code: "request.malformed" }, "the body: expected UTF-8");
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function tooLarge(): RequestError {
  const message = `the body: expected at most ${bodyBytesMax} bytes`;
  return new RequestError({ code: "request.tooLarge", bytesMax: bodyBytesMax }, message);
}

/** Request bodies, bounded: nobody makes a node hold more than this. */
import { RequestError } from "./problem.ts";

export const bodyBytesMax = 64 * 1024;

/** @throws RequestError request.tooLarge, request.malformed */
export async function readBody(request: Request): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared === "0") return "";
  if (declared !== null && Number(declared) > bodyBytesMax) throw tooLarge();
  // The HTTP parser holds a client to the length that it declared.
  if (declared !== null) return decodeBody(new Uint8Array(await request.arrayBuffer()));
  if (request.body === null) return "";
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request.body) {
    bytes += piece.length;
    if (bytes > bodyBytesMax) throw tooLarge();
    pieces.push(piece);
  }
  return decodeBody(Buffer.concat(pieces));
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

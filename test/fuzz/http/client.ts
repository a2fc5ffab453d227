/** A client that sends whatever it is given and hears the server out. */
import { connect } from "node:net";

const patienceMs = 15_000;

/**
 * Sends `pieces` in as many writes, and resolves with all that the server says until it closes.
 *
 * @throws Error when the server keeps the connection for longer than any limit of its allows
 */
export function converse(port: number, pieces: readonly Uint8Array[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const heard: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the server kept the connection for ${patienceMs} ms`));
    }, patienceMs);
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    // A server that cuts the connection while it is written to is within its rights.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(heard));
    });
    socket.on("connect", () => {
      for (const piece of pieces) socket.write(piece);
    });
  });
}

/** Sockets and ports, from a name in the file system to a server that answers on it. */
import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import type { Server } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";

export type Address =
  | { readonly kind: "socket"; readonly path: string; readonly mode: number | null }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/**
 * Listens at `address`. The file of a socket on which nobody answers any more is replaced.
 *
 * @throws Error where something answers there already, or another file is in the way
 */
export async function listen(server: Server, address: Address): Promise<void> {
  if (address.kind === "tcp") {
    const { host, port } = address;
    return bound(server, `tcp://${host}:${port}`, () => server.listen(port, host));
  }
  await mkdir(dirname(address.path), { recursive: true });
  await clearStaleSocket(address.path);
  await bound(server, address.path, () => server.listen(address.path));
  if (address.mode !== null) await chmod(address.path, address.mode);
}

/** Stops listening, ends every connection, and removes the socket's file. */
export async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function bound(server: Server, place: string, start: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`cannot listen at ${place}: ${error.message}`, { cause: error }));
    });
    server.once("listening", resolve);
    start();
  });
}

async function clearStaleSocket(path: string): Promise<void> {
  const file = await lstat(path).catch(absent);
  if (file === null) return;
  if (!file.isSocket())
    throw new Error(`cannot listen at ${path}: a file that is no socket exists`);
  if (await isAnswered(path)) {
    throw new Error(`cannot listen at ${path}: another process answers there; stop it first`);
  }
  await unlink(path);
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(new Error(`cannot probe the socket ${path}: ${error.message}`, { cause: error }));
    });
  });
}

/** Where a local cluster keeps what, below its data directory. */
import { readdirSync, realpathSync, rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { StartError } from "./failure.ts";
import { nodeNumberMax } from "./ports.ts";

export type Layout = {
  /** Absolute, as are all here. */
  readonly dataDir: string;
  readonly record: string;
  readonly logDir: string;
  readonly chainState: string;
  /** Old copies of nodes' disks, by the nodes' names. */
  readonly savedDir: string;
  /** What faults by hand need as long as they last. */
  readonly faultsDir: string;
  nodeDir(name: string): string;
  log(name: string): string;
};

/** `sun_path` of Linux holds 107 bytes before its final zero; macOS holds 103. */
const socketPathBytesMax = 103;
const farSocketPrefix = "dstack-sockets-";

export function layoutOf(dataDir: string): Layout {
  const root = resolve(dataDir);
  return {
    dataDir: root,
    record: join(root, "cluster.json"),
    logDir: join(root, "logs"),
    chainState: join(root, "chain", "state.json"),
    savedDir: join(root, "saved"),
    faultsDir: join(root, "faults"),
    nodeDir: (name) => join(root, name),
    log: (name) => join(root, "logs", `${name}.log`),
  };
}

export async function createDirectories(layout: Layout): Promise<void> {
  await mkdir(layout.logDir, { recursive: true });
  // anvil neither creates the folder of its state nor complains that it is missing.
  await mkdir(join(layout.dataDir, "chain"), { recursive: true });
}

/**
 * Makes the folder of all sockets: in the data directory, unless that lies too deep. It is closed to
 * other users, who could otherwise meet a socket before its own permissions are set.
 */
export async function makeSocketDir(layout: Layout): Promise<string> {
  const near = join(layout.dataDir, "sockets");
  const longest = guestSocket(near, `node${nodeNumberMax}`);
  if (Buffer.byteLength(longest) > socketPathBytesMax) {
    return mkdtemp(join(realpathSync(tmpdir()), farSocketPrefix));
  }
  await mkdir(near, { recursive: true });
  await chmod(near, 0o700);
  return near;
}

/** Removes a folder of sockets that is not in the data directory, and no other folder. */
export function removeFarSockets(socketDir: string): void {
  const [folder, name] = [dirname(socketDir), basename(socketDir)];
  if (folder !== realpathSync(tmpdir()) || !name.startsWith(farSocketPrefix)) return;
  rmSync(socketDir, { recursive: true, force: true });
}

/** Where the simulator serves the instance of that name. */
export function guestSocket(socketDir: string, name: string): string {
  return join(socketDir, name, "dstack.sock");
}

/** Where the simulator puts the certificate that its quotes lead to. */
export function attestationRoot(socketDir: string): string {
  return join(socketDir, "attestation-root.pem");
}

/** Where the starter takes requests for changes of the members. Shorter than any guest's. */
export function controlSocket(socketDir: string): string {
  return join(socketDir, "control.sock");
}

/**
 * Empties a data directory.
 *
 * @throws StartError when something in it was not put there by a cluster
 */
export function removeData(layout: Layout): void {
  const ours = /^(cluster\.json|chain|sockets|logs|saved|faults|node[1-9][0-9]?)$/;
  const names = entriesOf(layout.dataDir);
  const foreign = names.filter((name) => !ours.test(name));
  if (foreign.length > 0) {
    throw new StartError(
      `--fresh would empty ${layout.dataDir}, but ${foreign.slice(0, 3).join(", ")} in it ` +
        "is not a cluster's; remove it yourself or choose another --data-dir",
    );
  }
  for (const name of names) rmSync(join(layout.dataDir, name), { recursive: true, force: true });
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

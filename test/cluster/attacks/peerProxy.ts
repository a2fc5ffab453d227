/** Who sits on the wire between two members: passes bytes on, changes them, or poses as both ends. */
import { once } from "node:events";
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net";
import { connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { type BootIdentity, tlsOptions } from "../../../node/src/transport/identity.ts";

export type Behaviour =
  | { readonly kind: "relay"; readonly port: number }
  /** Flips one bit of every chunk, once the handshake is through. */
  | { readonly kind: "corrupt"; readonly port: number }
  /** Ends TLS with a certificate of its own, on both sides; who dials is shown this hello. */
  | {
      readonly kind: "terminate";
      readonly port: number;
      readonly identity: BootIdentity;
      readonly hello: Uint8Array;
    };

export type PeerProxy = {
  /** host:port */
  readonly endpoint: string;
  /** From now on; connections that are there are cut. */
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
};

/** More than the dialler's part of a handshake, less than that and a hello. */
const handshakeBytes = 4_096;

export async function startPeerProxy(first: Behaviour): Promise<PeerProxy> {
  const sockets = new Set<Socket>();
  let behaviour = first;
  const keep = <S extends Socket>(socket: S): S => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((socket) => meet(keep(socket), behaviour, keep));
  const endpoint = await listening(server);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    endpoint,
    behave(next) {
      behaviour = next;
      cut();
    },
    async stop() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return `127.0.0.1:${address.port}`;
}

function meet(socket: Socket, behaviour: Behaviour, keep: <S extends Socket>(socket: S) => S) {
  const host = "127.0.0.1";
  if (behaviour.kind === "terminate") {
    const { port, identity, hello } = behaviour;
    const tls = createTlsServer(tlsOptions(identity));
    tls.on("tlsClientError", () => socket.destroy());
    tls.on("secureConnection", (secured: TLSSocket) => {
      keep(secured).write(hello);
      join(secured, keep(connect({ host, port, ...tlsOptions(identity) })), (chunk) => chunk);
    });
    tls.emit("connection", socket);
    return;
  }
  const other = keep(connectPlain({ host, port: behaviour.port }));
  join(socket, other, behaviour.kind === "relay" ? (chunk) => chunk : bitFlipper());
}

function join(dialler: Socket, other: Socket, change: (chunk: Buffer) => Buffer): void {
  dialler.on("data", (chunk: Buffer) => other.write(change(chunk)));
  other.on("data", (chunk: Buffer) => dialler.write(chunk));
  dialler.on("close", () => other.destroy());
  other.on("close", () => dialler.destroy());
}

function bitFlipper(): (chunk: Buffer) => Buffer {
  let passed = 0;
  return (chunk) => {
    passed += chunk.length;
    if (passed <= handshakeBytes) return chunk;
    const changed = Buffer.from(chunk);
    const last = changed.length - 1;
    changed[last] = (changed[last] ?? 0) ^ 1;
    return changed;
  };
}

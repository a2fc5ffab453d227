/**
 * Stands between nodes: each advertises a port of this proxy and listens on another one, so every
 * byte between two nodes passes a link that can be cut, slowed or made lossy.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createLink, type Link } from "./link.ts";
import { pipe } from "./pipe.ts";

export type PeerProxyOptions = {
  readonly host: string;
  /** How many nodes there are at first, each behind a free port. */
  readonly count: number;
  /** Where the node at that position listens. */
  readonly listensAt: (position: number) => number;
  /** Who dialled: the position of the node whose process holds the other end. */
  readonly dialler: (ports: { readonly local: number; readonly remote: number }) => number | null;
};

export type PeerProxy = {
  /** By position: what the first nodes advertise. */
  readonly ports: readonly number[];
  /** Stands before one more node, which advertises that port. */
  open(position: number, port: number): Promise<void>;
  link(from: number, to: number): Link;
  /** Ends every connection between the two, with a reset. */
  reset(a: number, b: number): void;
  close(): Promise<void>;
};

type Connection = { readonly a: number; readonly b: number; readonly ends: readonly Socket[] };

export async function startPeerProxy(options: PeerProxyOptions): Promise<PeerProxy> {
  const { count, host } = options;
  const links = new Map<string, Link>();
  const connections = new Set<Connection>();
  const servers = Array.from({ length: count }, (_, to) => doorTo(to));

  function doorTo(to: number): Server {
    return createServer({ noDelay: true, allowHalfOpen: true }, (socket) => accept(socket, to));
  }

  function link(from: number, to: number): Link {
    const way = `${from} to ${to}`;
    const known = links.get(way) ?? createLink();
    links.set(way, known);
    return known;
  }

  function accept(socket: Socket, to: number): void {
    socket.on("error", () => undefined);
    const ports = { local: socket.remotePort ?? 0, remote: socket.localPort ?? 0 };
    const from = options.dialler(ports);
    // Whoever dialled and is no node, or is gone by now, has no link to be led through.
    if (from === null) {
      socket.destroy();
      return;
    }
    join({ socket, from, to });
  }

  function join({ socket, from, to }: { socket: Socket; from: number; to: number }): void {
    const onward = connect({
      host,
      port: options.listensAt(to),
      noDelay: true,
      allowHalfOpen: true,
    });
    onward.on("error", () => undefined);
    const connection = { a: from, b: to, ends: [socket, onward] };
    connections.add(connection);
    onward.on("close", () => connections.delete(connection));
    pipe(socket, onward, link(from, to));
    pipe(onward, socket, link(to, from));
  }

  const ports = await Promise.all(servers.map((server) => listen(server, host)));
  return {
    ports,
    async open(position, port) {
      const server = doorTo(position);
      await listen(server, host, port);
      servers.push(server);
    },
    link,
    reset(a, b) {
      for (const each of connections) {
        const between = (each.a === a && each.b === b) || (each.a === b && each.b === a);
        if (between) for (const end of each.ends) end.resetAndDestroy();
      }
    },
    async close() {
      for (const { ends } of connections) for (const end of ends) end.destroy();
      await Promise.all(servers.map(closed));
    },
  };
}

export async function listen(server: Server, host: string, port = 0): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function closed(server: Server): Promise<void> {
  const done = once(server, "close");
  server.close();
  await done;
}

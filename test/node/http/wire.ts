/** A server on a free port of the loopback, and raw connections to it. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach } from "vitest";
import { type HttpOptions, type HttpServer, startHttp } from "../../../node/src/http/server.ts";
import type { Service } from "../../../node/src/runtime/service.ts";
import { fixture, leaderUrl } from "./fixture.ts";

export const host = "127.0.0.1";
const running: { server: HttpServer; sockets: Socket[] }[] = [];

afterEach(async () => {
  for (const { server, sockets } of running.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await server.close();
  }
});

export async function start(overrides: Partial<Service> = {}, options: Partial<HttpOptions> = {}) {
  const parts = fixture(overrides);
  const server = await startHttp({ ...parts, host, port: 0, drainMs: 2_000, ...options });
  const sockets: Socket[] = [];
  running.push({ server, sockets });
  const open = async (): Promise<Socket> => {
    const socket = connect(server.port, host);
    sockets.push(socket);
    // A refused or cut connection is what some of these tests are about.
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  return { ...parts, server, open };
}

/** Everything that the server says until it closes the connection. */
export async function untilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (piece) => {
    text += piece;
  });
  await once(socket, "close");
  return text;
}

/** The next answer on a connection that stays open. */
export async function nextAnswer(socket: Socket): Promise<string> {
  let text = "";
  for (;;) {
    const [piece] = await once(socket, "data");
    text += String(piece);
    const [head = "", body] = text.split("\r\n\r\n", 2);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (body !== undefined && body.length >= length) return text;
  }
}

export const increment = (target: string, headers: readonly string[] = [], body = ""): string =>
  [
    `POST ${target} HTTP/1.1`,
    "host: node",
    ...headers,
    ...(body === "" ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
    "",
    body,
  ].join("\r\n");
export const json = "content-type: application/json";

/** A service whose increments wait until they are let go. */
export function held() {
  const waiting: (() => void)[] = [];
  const arrived = Promise.withResolvers<void>();
  const service: Partial<Service> = {
    increment: ({ by }) => {
      arrived.resolve();
      return new Promise((resolve) => {
        waiting.push(() => resolve({ value: by, term: 1, index: 2, leader: leaderUrl }));
      });
    },
  };
  const letGo = (): void => {
    for (const go of waiting) go();
  };
  return { service, arrived: arrived.promise, letGo };
}

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Endpoint, RpcRefusal, rpcEndpoint } from "../../../node/src/chain/rpc.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An endpoint at the other end of which is `serve`, with nothing but a socket. */
async function endpointOf(serve: (socket: Socket) => void): Promise<Endpoint> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return rpcEndpoint(`http://user:secret@127.0.0.1:${port}/v3/key`, 0, 5_000);
}

const http = (body: string, headers = "") =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const result = (value: unknown) => http(JSON.stringify({ jsonrpc: "2.0", id: 1, result: value }));

test("a connection that the endpoint closed while it was idle is not taken for a failure", async () => {
  let connections = 0;
  const endpoint = await endpointOf((socket) => {
    connections += 1;
    let requests = 0;
    socket.on("data", () => {
      requests += 1;
      if (requests === 1) socket.write(result(connections));
      else socket.resetAndDestroy();
    });
  });

  expect(await endpoint.call("one", [])).toBe(1);
  expect(await endpoint.call("two", [])).toBe(2);
});

test("an endpoint that closes every connection is unreachable", async () => {
  const endpoint = await endpointOf((socket) => socket.on("data", () => socket.resetAndDestroy()));
  await expect(endpoint.call("eth_chainId", [])).rejects.toThrow(/eth_chainId: .*ECONNRESET/);
});

test("an answer cut short is unreachable, not half believed", async () => {
  const endpoint = await endpointOf((socket) => {
    socket.on("data", () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"result":1'));
  });
  await expect(endpoint.call("eth_chainId", [])).rejects.toThrow(/eth_chainId: aborted/);
});

test("an endless answer is cut off", async () => {
  const chunk = `100000\r\n${"a".repeat(0x100000)}\r\n`;
  const endpoint = await endpointOf((socket) => {
    const pour = () => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      pour();
    });
    socket.on("drain", pour);
  });
  await expect(endpoint.call("eth_chainId", [])).rejects.toThrow("exceeds 16777216 bytes");
});

test("a refusal keeps its code, its words and the revert data, however deep that lies", async () => {
  const errors = [
    { code: 3, message: "execution reverted", data: "0xabcd" },
    { code: -32_000, message: "reverted", data: { data: "0xabcd" } },
    { code: -32_601, message: "no such method" },
    { code: 7, message: "odd", data: 12 },
  ];
  const endpoint = await endpointOf((socket) => {
    socket.on("data", () => socket.write(http(JSON.stringify({ error: errors[0] }))));
  });

  for (const expected of ["0xabcd", "0xabcd", null, null]) {
    const refusal: unknown = await endpoint.call("eth_call", []).catch((error: unknown) => error);
    const { code, message } = errors.shift() ?? { code: 0, message: "" };
    expect(refusal).toBeInstanceOf(RpcRefusal);
    expect(refusal).toMatchObject({ code, message, revertData: expected });
  }
});

test("neither credentials nor the path, which may hold a key, are in any message", async () => {
  const endpoint = await endpointOf((socket) => socket.destroy());
  const error: unknown = await endpoint.call("eth_chainId", []).catch((reason: unknown) => reason);
  expect(`${endpoint.name} ${String(error)} ${JSON.stringify(error)}`).not.toMatch(/secret|v3|key/);
  expect(endpoint.name).toMatch(/^rpc 1 \(127\.0\.0\.1:\d+\)$/);
});

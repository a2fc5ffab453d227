/** Addresses that take no connection, or none at first. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { alice, bob, eventually, startPeer } from "./support.ts";

const listening = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;

/** A process that stands still, with as many connections waiting as its system lets wait. */
async function startStandstill(): Promise<number> {
  const process = spawn(globalThis.process.execPath, ["--eval", listening]);
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    process.kill("SIGKILL");
  });
  const [line] = (await once(process.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  process.kill("SIGSTOP");
  // Whether one more waits is known only by its not being connected at once, as the others are.
  for (let waits = true; waits; ) {
    const socket = connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
    sockets.push(socket);
    waits = await Promise.race([
      once(socket, "connect").then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 300)),
    ]);
  }
  return port;
}

test.runIf(process.platform === "linux")(
  "an address that takes no connection is given up soon, and dialled again",
  async () => {
    const port = await startStandstill();
    const a = await startPeer(alice, { limits: { connectMs: 50, helloMs: 600_000 } });
    a.peers.setRoster([{ member: bob, peerEndpoint: `127.0.0.1:${port}` }]);
    await eventually(() => a.lines.length > 0);
    expect(a.lines[0]?.fields).toMatchObject({ reason: "no connection within 50 ms" });
  },
);

test("an address that takes connections and says nothing is given up as well", async () => {
  const taken: Socket[] = [];
  const server = createServer((socket) => void taken.push(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of taken) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const a = await startPeer(alice, { limits: { connectMs: 600_000, helloMs: 50 } });
  a.peers.setRoster([{ member: bob, peerEndpoint: `127.0.0.1:${port}` }]);
  await eventually(() => taken.length > 1);
  expect(a.lines[0]?.fields).toMatchObject({ reason: "no TLS handshake within 50 ms" });
});

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ownerOf, ownersAreKnown } from "../../../../scripts/chaos/net/owner.ts";
import { listen } from "../../../../scripts/chaos/net/peerProxy.ts";

test.runIf(ownersAreKnown)("the process at the other end of a connection is found", async () => {
  const server = createServer((socket) => socket.on("error", () => undefined));
  const remote = await listen(server, "127.0.0.1");
  const socket = connect({ host: "127.0.0.1", port: remote });
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  await once(socket, "connect");
  const ports = { local: socket.localPort ?? 0, remote };
  expect(ownerOf(ports, [process.ppid, process.pid])).toBe(process.pid);
  expect(ownerOf(ports, [process.ppid])).toBeNull();
  expect(ownerOf({ ...ports, remote: 1 }, [process.pid])).toBeNull();
});

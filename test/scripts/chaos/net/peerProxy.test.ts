import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { openLink, stallMs } from "../../../../scripts/chaos/net/link.ts";
import { listen, type PeerProxy, startPeerProxy } from "../../../../scripts/chaos/net/peerProxy.ts";

const host = "127.0.0.1";
const cut = { ...openLink, cut: true };
const patience = { timeout: 5_000 };

type Side = { readonly socket: Socket; received(): string; ended(): boolean };
type World = {
  readonly proxy: PeerProxy;
  /** Node 0 dials node 1, or whoever advertises that port. */
  dial(at?: number): Promise<{ readonly dialler: Side; readonly listener: () => Side | undefined }>;
};

/** Node 1 listens behind the proxy; whoever dials is taken for node 0 while `dialler` says so. */
async function startWorld(dialler: () => number | null = () => 0): Promise<World> {
  const accepted: Side[] = [];
  const server: Server = createServer((socket) => accepted.push(sideOf(socket)));
  const port = await listen(server, host);
  const proxy = await startPeerProxy({ host, count: 2, listensAt: () => port, dialler });
  onTestFinished(async () => {
    for (const { socket } of accepted) socket.destroy();
    await proxy.close();
    server.close();
  });
  return {
    proxy,
    async dial(at = proxy.ports[1] ?? 0) {
      const before = accepted.length;
      const socket = connect({ host, port: at });
      onTestFinished(() => void socket.destroy());
      await once(socket, "connect");
      return { dialler: sideOf(socket), listener: () => accepted[before] };
    },
  };
}

function sideOf(socket: Socket): Side {
  let text = "";
  let over = false;
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    over = true;
  });
  return { socket, received: () => text, ended: () => over };
}

test("a node that comes later is put behind the proxy, and whoever dials it has a link", async () => {
  const { proxy, dial } = await startWorld(() => 7);
  const front = createServer();
  const free = await listen(front, host);
  await new Promise<void>((resolve) => front.close(() => resolve()));
  await proxy.open(5, free);
  const delivered: number[] = [];
  proxy.link(7, 5).onDelivery((bytes) => delivered.push(bytes));

  const { dialler, listener } = await dial(free);
  dialler.socket.write("there");
  await vi.waitFor(() => expect(listener()?.received()).toBe("there"), patience);
  expect(delivered).toEqual([5]);
});

test("bytes pass both ways over an open link", async () => {
  const { dial } = await startWorld();
  const { dialler, listener } = await dial();
  dialler.socket.write("there");
  await vi.waitFor(() => expect(listener()?.received()).toBe("there"), patience);
  listener()?.socket.write("back");
  await vi.waitFor(() => expect(dialler.received()).toBe("back"), patience);
});

test("a cut holds one direction back, and its end lets everything through in order", async () => {
  const { proxy, dial } = await startWorld();
  const { dialler, listener } = await dial();
  proxy.link(0, 1).set(cut);
  dialler.socket.write("one ");
  dialler.socket.write("two");
  listener()?.socket.write("the other way");
  await vi.waitFor(() => expect(listener()).toBeDefined(), patience);
  listener()?.socket.write(" is open");
  await vi.waitFor(() => expect(dialler.received()).toContain("is open"), patience);
  expect(listener()?.received()).toBe("");
  proxy.link(0, 1).set(openLink);
  await vi.waitFor(() => expect(listener()?.received()).toBe("one two"), patience);
});

test("that one end is gone is told only once the link is open", async () => {
  const { proxy, dial } = await startWorld();
  const { dialler, listener } = await dial();
  dialler.socket.write("x");
  await vi.waitFor(() => expect(listener()?.received()).toBe("x"), patience);
  proxy.link(0, 1).set(cut);
  dialler.socket.resetAndDestroy();
  // A connection that comes later gets through: so the end of this one has reached the proxy.
  const later = await dial();
  await vi.waitFor(() => expect(later.listener()).toBeDefined(), patience);
  expect(listener()?.ended()).toBe(false);
  proxy.link(0, 1).set(openLink);
  await vi.waitFor(() => expect(listener()?.ended()).toBe(true), patience);
});

test("a reset ends both sides at once", async () => {
  const { proxy, dial } = await startWorld();
  const { dialler, listener } = await dial();
  dialler.socket.write("x");
  await vi.waitFor(() => expect(listener()?.received()).toBe("x"), patience);
  proxy.reset(1, 0);
  await vi.waitFor(
    () => expect([dialler.ended(), listener()?.ended()]).toEqual([true, true]),
    patience,
  );
});

test("what is slow one way is overtaken by what is sent later the other way", async () => {
  const { proxy, dial } = await startWorld();
  const { dialler, listener } = await dial();
  await vi.waitFor(() => expect(listener()).toBeDefined(), patience);
  proxy.link(0, 1).set({ ...openLink, delayMs: 1_000 });
  dialler.socket.write("first");
  listener()?.socket.write("second");
  await vi.waitFor(() => expect(dialler.received()).toBe("second"), patience);
  expect(listener()?.received()).toBe("");
  await vi.waitFor(() => expect(listener()?.received()).toBe("first"), patience);
});

test("much more than a link holds passes whole", async () => {
  const { proxy, dial } = await startWorld();
  const { dialler, listener } = await dial();
  proxy.link(0, 1).set({ ...openLink, delayMs: 2, jitterMs: 4 });
  const text = Array.from({ length: 200_000 }, (_, at) => `${at},`).join("");
  dialler.socket.end(text);
  await vi.waitFor(() => expect(listener()?.received().length).toBe(text.length), patience);
  expect(listener()?.received()).toBe(text);
});

test("who is no node gets no connection", async () => {
  const { dial } = await startWorld(() => null);
  const { dialler, listener } = await dial();
  await vi.waitFor(() => expect(dialler.ended()).toBe(true), patience);
  expect(listener()).toBeUndefined();
});

test("deliveries are told before the bytes arrive", async () => {
  const { proxy, dial } = await startWorld();
  const { dialler, listener } = await dial();
  const seen: string[] = [];
  const end = proxy
    .link(0, 1)
    .onDelivery((bytes) => seen.push(`${bytes}, ${listener()?.received()}`));
  dialler.socket.write("abc");
  await vi.waitFor(() => expect(listener()?.received()).toBe("abc"), patience);
  end();
  dialler.socket.write("d");
  await vi.waitFor(() => expect(listener()?.received()).toBe("abcd"), patience);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatch(/^3, (undefined)?$/);
});

test("a lost piece is held up by time-outs that double", () => {
  const draws =
    (...values: number[]) =>
    () =>
      values.shift() ?? 1;
  expect(stallMs(0.1, draws(0.5))).toBe(0);
  expect(stallMs(0.1, draws(0.05, 0.5))).toBe(200);
  expect(stallMs(0.1, draws(0.05, 0.05, 0.5))).toBe(600);
  expect(stallMs(1, () => 0)).toBe(200 + 400 + 800 + 1_600 + 3_200);
});

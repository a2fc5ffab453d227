import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { createTurns } from "../../../node/src/http/turns.ts";

type Fake = { paused: boolean; destroyed: boolean; pause(): void; resume(): void };

function socket(): Fake & Socket {
  const fake: Fake = {
    paused: false,
    destroyed: false,
    pause: () => {
      fake.paused = true;
    },
    resume: () => {
      fake.paused = false;
    },
  };
  return fake as Fake & Socket;
}

const sockets = (count: number) => Array.from({ length: count }, socket);
const paused = (some: readonly Fake[]) => some.filter((each) => each.paused).length;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = 1_000_000;
const one = { readingMin: 1, readingMax: 1, callsMs: never };
const two = { readingMin: 2, readingMax: 2, callsMs: never };

test("while nothing is refused, no connection is paused", async () => {
  const turns = createTurns({ ...two, turnMs: 1, calmMs: never });
  const clients = sockets(10);
  for (const client of clients) turns.arrived(client);
  await turn();
  expect(paused(clients)).toBe(0);
});

test("while calls are refused, only so many connections are read", async () => {
  const turns = createTurns({ ...two, turnMs: never, calmMs: never });
  const clients = sockets(10);
  turns.refused();
  for (const client of clients) turns.arrived(client);
  await turn();
  expect(paused(clients)).toBe(8);
});

test("a connection that brought its call makes room for the one that waited longest", async () => {
  const turns = createTurns({ ...two, turnMs: never, calmMs: never });
  const clients = sockets(4);
  const states = () => clients.map((each) => (each.paused ? "paused" : "read"));
  turns.refused();
  for (const client of clients) turns.arrived(client);
  await turn();
  expect(states()).toEqual(["read", "read", "paused", "paused"]);
  for (const client of clients.slice(0, 1)) turns.arrived(client);
  await turn();
  expect(states()).toEqual(["paused", "read", "read", "paused"]);
});

test("connections that bring nothing do not keep the others from being read", async () => {
  const turns = createTurns({ ...two, turnMs: 1, calmMs: never });
  const clients = sockets(6);
  const read = new Set<number>();
  turns.refused();
  for (const client of clients) turns.arrived(client);
  await turn();
  await expect
    .poll(
      () => {
        clients.forEach((client, position) => {
          if (!client.paused) read.add(position);
        });
        return read.size;
      },
      { interval: 1 },
    )
    .toBe(clients.length);
  expect(paused(clients)).toBe(4);
});

test("once nothing was refused for a while, all are read again", async () => {
  const turns = createTurns({ ...one, turnMs: 1, calmMs: 5 });
  const clients = sockets(10);
  turns.refused();
  for (const client of clients) turns.arrived(client);
  await turn();
  expect(paused(clients)).toBe(9);
  await expect.poll(() => paused(clients)).toBe(0);
  for (const client of clients) turns.arrived(client);
  await turn();
  expect(paused(clients)).toBe(0);
});

test("when calls take long, fewer are read at a time, and more again when they do not", async () => {
  const limits = { readingMin: 2, readingMax: 8, turnMs: never, calmMs: never };
  const read = async (callsMs: number, turnsTaken: number) => {
    const turns = createTurns({ ...limits, callsMs });
    const clients = sockets(20);
    turns.refused();
    for (const client of clients) turns.arrived(client);
    await turn();
    for (let each = 0; each < turnsTaken; each++) {
      for (const client of clients.filter(({ paused: waits }) => !waits)) turns.arrived(client);
      await turn();
    }
    return clients.length - paused(clients);
  };
  // No turn is that short, and none that long.
  expect(await read(-1, 10)).toBe(limits.readingMin);
  expect(await read(never, 10)).toBe(limits.readingMax);
});

test("connections that are gone take no turn", async () => {
  const turns = createTurns({ ...one, turnMs: never, calmMs: never });
  const [gone, waits] = [socket(), socket()];
  turns.refused();
  gone.destroyed = true;
  turns.arrived(gone);
  turns.arrived(waits);
  await turn();
  expect(waits.paused).toBe(false);
});

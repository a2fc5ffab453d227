import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { held, host, increment, start, untilClosed } from "./wire.ts";

test("closing lets a request under way finish, and ends idle connections at once", async () => {
  const { service, arrived, letGo } = held();
  const { open, server } = await start(service, { drainMs: 60_000 });
  const [busy, idle] = [await open(), await open()];
  idle.write("HEAD /status HTTP/1.1\r\nhost: node\r\n\r\n");
  await once(idle, "data");
  busy.write(increment("/increment"));
  await arrived;
  const idleClosed = once(idle, "close");
  const busySaid = untilClosed(busy);
  const closed = server.close();
  await idleClosed;
  letGo();
  expect(await busySaid).toMatch(/^HTTP\/1.1 200 .*"value":1/s);
  await closed;
});

test("closing takes no new connection", async () => {
  const { service, arrived, letGo } = held();
  const { open, server } = await start(service);
  const busy = await open();
  busy.write(increment("/increment"));
  await arrived;
  const closed = server.close();
  const late = connect(server.port, host);
  const [error] = await once(late, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  letGo();
  await closed;
});

test("closing cuts what is not finished in time", async () => {
  const { service, arrived } = held();
  const { open, server } = await start(service, { drainMs: 50 });
  const busy = await open();
  busy.write(increment("/increment"));
  await arrived;
  const said = untilClosed(busy);
  await server.close();
  expect(await said).toBe("");
});

test("closing twice is closing once", async () => {
  const { server } = await start();
  await Promise.all([server.close(), server.close()]);
});

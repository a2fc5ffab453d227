import { describe, expect, test } from "vitest";
import { call, exchange, running, send } from "../support.ts";

function post(path: string, body: string, length = Buffer.byteLength(body)): string {
  return [
    `POST ${path} HTTP/1.1`,
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${length}`,
    "",
    body,
  ].join("\r\n");
}

function split(message: string): { head: string; body: string } {
  const end = message.indexOf("\r\n\r\n");
  return { head: message.slice(0, end), body: message.slice(end + 4) };
}

describe("an answer", () => {
  test("states its length, is one piece, and ends the connection", async () => {
    const { socket } = await running();
    const { head, body } = split(await exchange(socket, post("/Version", "{}")));

    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toContain("Content-Type: application/json");
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(head).toContain("Connection: close");
    expect(head.toLowerCase()).not.toContain("transfer-encoding");
  });

  test("is compact JSON", async () => {
    const { socket } = await running();
    expect((await call(socket, "/Version")).text).toMatch(
      /^\{"version":"0\.5\.8","rev":"git:0+"\}$/,
    );
  });

  test("is ASCII, whatever the compose file says", async () => {
    const name = "Grüße 🚀 \u007f";
    const { socket } = await running({ appCompose: Buffer.from(JSON.stringify({ name })) });
    const { text, body } = await call(socket, "/Info");

    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(text).toContain("Gr\\u00fc\\u00dfe \\ud83d\\ude80 \\u007f");
    expect(body).toMatchObject({ app_name: name });
  });

  test("to an event is the text null", async () => {
    const { socket } = await running();
    expect((await call(socket, "/EmitEvent", { event: "e", payload: "" })).text).toBe("null");
  });
});

describe("a refusal", () => {
  test("has status 400 and a pretty-printed error", async () => {
    const { socket } = await running();
    const { status, text } = await call(socket, "/GetKey", { algorithm: "rsa" });
    expect(status).toBe(400);
    expect(text).toBe('{\n  "error": "Unsupported algorithm"\n}');
  });

  test.each([
    ["/Foo", "Foo"],
    ["/DstackGuest.GetKey", "DstackGuest.GetKey"],
    ["/GpuInfo", "GpuInfo"],
    ["/constructor", "constructor"],
    ["/get%4Bey", "getKey"],
  ])("of %s names the method that is not there", async (path, name) => {
    const { socket } = await running();
    const { status, body } = await call(socket, path);
    expect({ status, body }).toEqual({
      status: 400,
      body: { error: `Service not found: ${name}` },
    });
  });

  test("of a body over 10 MiB comes after the body was read", async () => {
    const { socket } = await running();
    const reply = await send(socket, "POST", "/GetKey", Buffer.alloc(10 * 1024 * 1024 + 1, 32));
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ error: "payload too large" });
  });

  test("is given for bytes that are no HTTP, and the next client is served", async () => {
    const { socket } = await running();
    const { head, body } = split(await exchange(socket, "\x16\x03\x01 nonsense\r\n\r\n"));

    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(JSON.parse(body).error).toContain("invalid HTTP request");
    expect((await call(socket, "/Version")).status).toBe(200);
  });
});

describe("a path without a service", () => {
  test.each(["/", "/a/b", "/prpc/Info", "/GetKey/", "/%zz"])("%s is not found", async (path) => {
    const { socket } = await running();
    expect((await call(socket, path)).status).toBe(404);
  });

  test.each(["/Info", "/prpc/Info/", "/prpc"])(
    "%s is not found on the legacy socket",
    async (path) => {
      const { tappdSocket } = await running();
      expect((await call(tappdSocket, path)).status).toBe(404);
    },
  );

  test("is what every verb but GET and POST finds", async () => {
    const { socket } = await running();
    expect((await send(socket, "PUT", "/Version")).status).toBe(404);
  });
});

describe("a request", () => {
  test("without a body has every default", async () => {
    const { socket } = await running();
    const empty = await send(socket, "POST", "/GetKey");
    const spelled = await call(socket, "/GetKey", { path: "", purpose: "", algorithm: "" });
    expect(empty.status).toBe(200);
    expect(empty.body).toEqual(spelled.body);
  });

  test("by GET takes its arguments from the query", async () => {
    const { socket } = await running();
    const got = await send(socket, "GET", "/GetKey?path=a%2Fb+c&purpose=p&algorithm=ed25519");
    const posted = await call(socket, "/GetKey", {
      path: "a/b c",
      purpose: "p",
      algorithm: "ed25519",
    });
    expect(got.status).toBe(200);
    expect(got.body).toEqual(posted.body);
  });

  test("whose length counts characters is cut short and refused", async () => {
    const { socket } = await running();
    const body = JSON.stringify({ path: "ü" });
    const message = split(await exchange(socket, post("/GetKey", body, body.length)));

    expect(message.head).toMatch(/^HTTP\/1\.1 400/);
    expect(JSON.parse(message.body).error).toContain("invalid request body");
  });

  test("followed by surplus bytes gets its answer", async () => {
    const { socket } = await running();
    const { head, body } = split(await exchange(socket, `${post("/Version", "{}")}"}surplus\r\n`));
    expect(head).toMatch(/^HTTP\/1\.1 200/);
    expect(JSON.parse(body)).toMatchObject({ version: "0.5.8" });
  });

  test.each([
    ["in its head", "POST /GetKey HTTP/1.1\r\nHost"],
    ["in its body", post("/GetKey", '{"path"', 100)],
  ])("that breaks off %s is refused, and the next client is served", async (_, bytes) => {
    const { socket } = await running();
    expect(await exchange(socket, bytes, true)).toMatch(/^HTTP\/1\.1 400/);
    expect((await call(socket, "/Version")).status).toBe(200);
  });
});

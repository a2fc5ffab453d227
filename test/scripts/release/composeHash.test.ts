import { expect, test } from "vitest";
import { composeHashOf, openEndsOf } from "../../../scripts/release/composeHash.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const bytes = (text: string) => new TextEncoder().encode(text);

function openEndsIn(...lines: readonly string[]): readonly string[] {
  return openEndsOf(bytes(JSON.stringify({ docker_compose_file: lines.join("\n") })));
}

// Computed with `printf '…' | sha256sum`.
test("the hash covers bytes: odd whitespace, key order, letters beyond ASCII, no final newline", () => {
  const file = '{\r\n\t"name" :  "clé-日本",\n "b":1,"a":[ ],  "manifest_version": 2.0 }  ';
  expect(composeHashOf(bytes(file))).toBe(
    "0a75575fac87bc7d83a3da6c76d4b1b4841365784ea21aa948e70a35e3ac4717",
  );
  expect(composeHashOf(bytes(JSON.stringify(JSON.parse(file))))).not.toBe(
    composeHashOf(bytes(file)),
  );
});

test("an image by digest leaves nothing open, however it is written", () => {
  expect(
    openEndsIn(
      "services:",
      `  a: { restart: always, image: 'ghcr.io/x/y:1@${digest}' }`,
      `  b:\r`,
      `    image: &shared "x/y@${digest}" # image: old:1`,
      "    # build: .",
      "    command: [build, image]",
      "    environment: { BUILD: $HOME, base_image: x }",
    ),
  ).toEqual([]);
});

test.each<readonly [line: string, openEnd: RegExp]>([
  ["    image: nginx:1", /^line 2 names an image without digest, nginx:1: expected name@sha256:…$/],
  ["    image: nginx@sha256:abcd", /without digest, nginx@sha256:abcd/],
  ["    image:", /without digest, : /],
  ["  a: { image: nginx, init: true }", /without digest, nginx:/],
  [`    "image": nginx`, /without digest, nginx:/],
  ["    image: *shared", /without digest, \*shared:/],
  [`    image: \${IMAGE}`, /^line 2 names an image by a variable, \$\{IMAGE\}: .* text, not/],
  [`    image: \${IMAGE:?name, by digest}`, /by a variable, \$\{IMAGE:\?name, by digest\}/],
  [`    image: $IMAGE@${digest}`, /by a variable, \$IMAGE@sha256/],
  [`    image: x/$TAG@${digest}`, /by a variable/],
  ["    build: .", /^line 2 builds an image: expected image: name@sha256:…, made beforehand$/],
  ["    build:", /^line 2 builds an image/],
  ["  a: { build: . }", /^line 2 builds an image/],
])("%s is told", (line, openEnd) => {
  expect(openEndsIn("services:", line)[0]).toMatch(openEnd);
});

test("a file that names no image is told", () => {
  expect(openEndsIn("services: {}")).toEqual(["it names no image: expected image: name@sha256:…"]);
  expect(openEndsOf(bytes('{"runner":"bash"}'))).toEqual([
    "it has no docker_compose_file: expected one, nothing else was looked at",
  ]);
});

test.each<readonly [string, Uint8Array, RegExp]>([
  ["no JSON", bytes("services:"), /^it is no app-compose\.json: .*JSON/],
  ["no object", bytes("[]"), /^it is no app-compose\.json: expected a JSON object$/],
  ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), /^it is no app-compose\.json: .*utf-8/i],
  ["a byte order mark", bytes("\uFEFF{}"), /^it is no app-compose\.json: .*JSON/],
])("%s is refused", (_, file, complaint) => {
  expect(() => openEndsOf(file)).toThrow(complaint);
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { appComposeOf } from "../../../scripts/release/appCompose.ts";
import { openEndsOf } from "../../../scripts/release/composeHash.ts";

const root = join(import.meta.dirname, "../../..");
const image = `ghcr.io/x/y@sha256:${"ab".repeat(32)}`;
const composeFile = await readFile(join(root, "compose/dstack.yaml"), "utf8");

test("the node's own compose file goes in whole, its image by digest", () => {
  const file = appComposeOf(composeFile, image);
  const content = JSON.parse(file) as { docker_compose_file: string };
  const [before, after] = composeFile.split(/\$\{NODE_IMAGE[^}]*\}/);
  expect(content.docker_compose_file).toBe(`${before}${image}${after}`);
  expect(openEndsOf(new TextEncoder().encode(file))).toEqual([]);
});

test("the guest may take just what the compose file names, as the documentation lists it", async () => {
  const { allowed_envs } = JSON.parse(appComposeOf(composeFile, image)) as {
    allowed_envs: readonly string[];
  };
  const readme = await readFile(join(root, "compose/README.md"), "utf8");
  const [, listed = ""] = /`allowed_envs`: ([^.]*)\./.exec(readme) ?? [];
  expect(allowed_envs).toEqual([...listed.matchAll(/`(\w+)`/g)].map(([, name]) => name));
});

test("its bytes are a function of the two, so that another generates the same hash", () => {
  const file = appComposeOf(`a: \${A:-1}\nimage: \${NODE_IMAGE:?x}\nb: \${B} \${A}\n`, image);
  expect(file).toBe(`{
  "manifest_version": 2,
  "name": "dstack-cluster",
  "runner": "docker-compose",
  "docker_compose_file": "a: \${A:-1}\\nimage: ${image}\\nb: \${B} \${A}\\n",
  "kms_enabled": true,
  "gateway_enabled": true,
  "local_key_provider_enabled": false,
  "key_provider_id": "",
  "public_logs": true,
  "public_sysinfo": false,
  "public_tcbinfo": true,
  "allowed_envs": [
    "A",
    "B"
  ],
  "no_instance_id": false,
  "secure_time": true
}
`);
});

test.each<readonly [string, number]>([
  ["image: x", 0],
  [`image: \${NODE_IMAGES}`, 0],
  [`image: \${NODE_IMAGE}\nb: \${NODE_IMAGE:?}`, 2],
])("a compose file that does not name the image once is refused", (text, count) => {
  const complaint = `the compose file names \${NODE_IMAGE} ${count} times; expected once`;
  expect(() => appComposeOf(text, image)).toThrow(complaint);
});

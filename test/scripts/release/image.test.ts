import { expect, test } from "vitest";
import { baseImageIn, pinnedBase } from "../../../scripts/release/image.ts";
import { digest } from "./samples.ts";

test("the base image is the Dockerfile's default, and one by digest stays as it is", async () => {
  expect(baseImageIn(`# x\nARG NODE_IMAGE=node:24-slim\nFROM \${NODE_IMAGE}\n`)).toBe(
    "node:24-slim",
  );
  expect(await pinnedBase(`node:24@${digest}`)).toBe(`node:24@${digest}`);
});

test("a Dockerfile with a base of another name is refused", () => {
  expect(() => baseImageIn("FROM node:24")).toThrow(
    "compose/Dockerfile names no base image: expected ARG NODE_IMAGE=…",
  );
});

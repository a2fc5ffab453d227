import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { SignatureQuestion } from "../../../node/src/tee/quoteSignatures.ts";
import { createVerifierProcess } from "../../../node/src/tee/verifierProcess.ts";
import { temporaryDirectory } from "./support.ts";

const question = { quote: "00", root: "00", atSeconds: 0, collateral: {} } as SignatureQuestion;

function processOf(program?: string, limits: { answerMsMax?: number; idleMs?: number } = {}) {
  const created = createVerifierProcess({
    ...limits,
    ...(program === undefined ? {} : { program: written(program) }),
  });
  onTestFinished(created.close);
  return created;
}

function written(program: string): string {
  const file = join(temporaryDirectory(), "program.mjs");
  writeFileSync(file, program);
  return file;
}

test("what cannot be a quote is refused in the library's own words", async () => {
  expect(await processOf().verify(question)).toEqual({
    kind: "refused",
    reason: "Failed to decode quote",
  });
});

test("a process that ends early is no yes, and the next question has another", async () => {
  const { verify } = processOf(`process.on("message", () => process.exit(0));`);
  await expect(verify(question)).rejects.toThrow("ended early");
  await expect(verify(question)).rejects.toThrow("ended early");
});

test("a process that says nothing is given up, with all that wait for it", async () => {
  const { verify } = processOf(`process.on("message", () => {});`, { answerMsMax: 100 });
  const [first, second] = [verify(question), verify(question)];
  await expect(first).rejects.toThrow("not verified within 100 ms");
  await expect(second).rejects.toThrow("not verified within 100 ms");
});

test("a program that cannot be run is no yes", async () => {
  const { verify } = processOf("this is no program");
  await expect(verify(question)).rejects.toThrow("ended early");
});

test("it ends when nothing is asked, and another answers later", async () => {
  const pid = `process.on("message", ({ id }) =>
    process.send({ id, answer: { kind: "refused", reason: String(process.pid) } }));`;
  const { verify } = processOf(pid, { idleMs: 1 });
  const first = await verify(question);
  const isGone = () => {
    try {
      process.kill(Number(first.kind === "refused" ? first.reason : "0"), 0);
      return false;
    } catch {
      return true;
    }
  };
  await expect.poll(isGone, { timeout: 10_000 }).toBe(true);
  expect(await verify(question)).not.toEqual(first);
});

test("it is told no environment", async () => {
  const program = `process.on("message", ({ id }) => {
    const reason = Object.keys(process.env).join();
    process.send({ id, answer: { kind: "refused", reason } });
  });`;
  const answer = await processOf(program).verify(question);
  expect(answer).toEqual({
    kind: "refused",
    reason: expect.stringMatching(/^NODE_CHANNEL_\w+(,NODE_CHANNEL_\w+)*$|^$/),
  });
});

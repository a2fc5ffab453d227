import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashMessage, hexToBytes, recoverAddress, recoverMessageAddress } from "viem/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { parseQuote } from "../../../node/src/tee/quote.ts";
import { personalHash } from "../../../node/src/tee/wallet.ts";
import { recordingLog } from "../../support/recorders.ts";
import { type Simulator, startSimulator } from "../../support/simulator.ts";

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ instances: 2 });
});
afterAll(() => simulator.stop());

function open(instance: number): Promise<Enclave> {
  return openEnclave({ endpoint: simulator.sockets[instance], log: recordingLog().log });
}

test("a node is who its guest agent says", async () => {
  const enclave = await open(0);

  expect(enclave.instanceId).toBe(simulator.instanceIds[0]);
  expect(enclave.appId).toBe(simulator.appId);
  expect(enclave.composeHash).toBe(simulator.composeHash);
  expect(enclave.kmsRoot).toBe(simulator.kmsRoot.toLowerCase());
});

test("the wallet lasts as long as the instance, and differs between instances of one app", async () => {
  const [first, again, other] = await Promise.all([open(0), open(0), open(1)]);

  expect(again.wallet.address).toBe(first.wallet.address);
  expect(other.wallet.address).not.toBe(first.wallet.address);
  expect(other.keyProof.appPublicKey).toBe(first.keyProof.appPublicKey);
});

test("others recover the wallet's address from what it signs", async () => {
  const { wallet } = await open(0);
  const hash = new Uint8Array(32).fill(7);
  const signature = wallet.sign(hash);

  expect(signature).toHaveLength(65);
  const hex = Buffer.from(signature).toString("hex");
  const rsv = `0x${hex.slice(0, 128)}${hex.endsWith("00") ? "1b" : "1c"}` as const;
  const recovered = await recoverAddress({ hash, signature: rsv });
  expect(recovered.toLowerCase()).toBe(wallet.address);
});

test("a personal message is signed as wallets sign it", async () => {
  const { wallet } = await open(0);
  const message = new Uint8Array(32).fill(9);
  expect(personalHash(message)).toEqual(hexToBytes(hashMessage({ raw: message })));

  const hex = Buffer.from(wallet.sign(personalHash(message))).toString("hex");
  const signature = `0x${hex.slice(0, 128)}${hex.endsWith("00") ? "1b" : "1c"}` as const;
  const recovered = await recoverMessageAddress({ message: { raw: message }, signature });
  expect(recovered.toLowerCase()).toBe(wallet.address);
});

test("a quote says what it was asked to say", async () => {
  const enclave = await open(0);
  const { quote, eventLog } = await enclave.quote(new Uint8Array(64).fill(5));

  const parsed = parseQuote(Buffer.from(quote, "hex"));
  expect(parsed.reportData).toBe("05".repeat(64));
  expect(JSON.parse(eventLog)).toBeInstanceOf(Array);
});

test("a node waits for a guest agent that is away, and says so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-"));
  const { log, lines } = recordingLog();
  const waited: string[] = [];
  const opening = openEnclave({
    endpoint: join(folder, "node1", "dstack.sock"),
    log,
    onWaiting: (reason) => waited.push(reason),
  });
  const late = await startSimulator({ instances: 1, socketDir: folder });
  const enclave = await opening;
  await late.stop();
  await rm(folder, { recursive: true });

  expect(enclave.instanceId).toBe(late.instanceIds[0]);
  expect(waited[0]).toMatch(/the guest agent did not answer Info: .*does not exist/);
  expect(lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("an answer that no guest agent would give is not taken for one", async () => {
  const server = createServer((_, answer) => {
    const body = JSON.stringify({ tcb_info: "{}", instance_id: "", app_id: 7 });
    answer.writeHead(200, { "content-length": body.length, connection: "close" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stop = new AbortController();
  const waited: string[] = [];

  const opening = openEnclave({
    endpoint: `http://127.0.0.1:${port}`,
    log: recordingLog().log,
    signal: stop.signal,
    onWaiting(reason) {
      waited.push(reason);
      stop.abort(new Error("seen enough"));
    },
  });
  await expect(opening).rejects.toThrow("seen enough");
  server.close();
  expect(waited[0]).toContain("instance_id: expected 20 bytes of lower-case hex");
  expect(waited[0]).toContain("app_id: Invalid input: expected string, received number");
});

test("the private key is nowhere in what the adapter hands out or logs", async () => {
  const { log, lines } = recordingLog();
  const enclave = await openEnclave({ endpoint: simulator.sockets[0], log });

  const { wallet, keyProof } = enclave;
  const shown = JSON.stringify([enclave, wallet, keyProof, lines]);
  expect(Object.keys(wallet).sort()).toEqual(["address", "sign"]);
  const { DstackClient } = await import("@phala/dstack-sdk");
  const id = enclave.instanceId;
  const { key } = await new DstackClient(simulator.sockets[0]).getKey(
    `cluster-node/${id}`,
    `cluster-node:${id}`,
  );
  expect(shown).not.toContain(Buffer.from(key).toString("hex"));
});

/** Nodes that register, restart or run where they should not. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import { run } from "../../../scripts/cluster/child.ts";
import { replacedExitCode, serves } from "../../../scripts/cluster/node.ts";
import { getJson, increment, type Status, startLoad } from "../../support/clients.ts";
import { freePort } from "../../support/processes.ts";
import type { Arena } from "./arena.ts";
import { enclaveAt } from "./attacker.ts";
import { registrationData } from "./contract.ts";
import { machine, nameOf, otherImage, sameApp } from "./machines.ts";
import { patience } from "./patience.ts";

export async function copiedRegistration(arena: Arena): Promise<void> {
  const term = await arena.term();
  const { chain } = arena;
  const { sockets } = await machine({ names: ["node9"], args: sameApp(arena) });
  const enclave = await enclaveAt(sockets[0] ?? "");
  const { address } = enclave.wallet;
  const [, poor = "", rich = ""] = await chain.accounts();
  const [tokenId, ownToken] = [await chain.mint(address), await chain.mint(rich)];
  const { bootKey } = await createBootIdentity();
  const data = await registrationData(enclave, tokenId, bootKey);
  const gasPrice = BigInt(await chain.ask<string>("eth_gasPrice")) * 2n;

  onTestFinished(async () => void (await chain.ask("evm_setAutomine", true)));
  await chain.ask("evm_setAutomine", false);
  const genuine = await chain.send(address, data, gasPrice);
  type Pending = { readonly input: string; readonly blockNumber: string | null };
  const seen = await chain.ask<Pending>("eth_getTransactionByHash", genuine);
  expect(seen.blockNumber).toBeNull();
  const withOwnToken = await registrationData(enclave, ownToken, bootKey);
  expect(await chain.refusalOf(poor, seen.input)).toBe(
    `notnodewallet(${tokenId}, ${poor}, ${address})`.toLowerCase(),
  );
  expect(await chain.refusalOf(rich, withOwnToken)).toBe(
    `keynotcallers(${address}, ${rich})`.toLowerCase(),
  );
  const copies = [
    await chain.send(poor, seen.input, gasPrice * 10n),
    await chain.send(rich, withOwnToken, gasPrice * 10n),
  ];
  await chain.ask("evm_mine");
  await chain.ask("evm_setAutomine", true);
  const mined = await chain.receipt(genuine);
  expect(mined?.status).toBe("0x1");
  for (const copy of copies) {
    const receipt = await chain.receipt(copy);
    expect(receipt?.status).toBe("0x0");
    expect(Number(receipt?.transactionIndex)).toBeLessThan(Number(mined?.transactionIndex));
  }
  const { pending } = await chain.reader.membership();
  expect(pending.map(({ wallet }) => wallet)).toEqual([address]);
  await chain.leave(address);
  await arena.goesOn(term);
}

export async function cloneOfMember(arena: Arena): Promise<void> {
  const [member] = await arena.followers();
  const leader = await arena.leader();
  const { cluster, reports } = arena;
  const proxy = arena.proxyOf(member);
  const original = { kind: "relay", port: arena.peerPort(member) } as const;
  const node = cluster.nodes[member] ?? expect.unreachable();
  /** The boot that speaks for the member, as the leader's log says. */
  const counting = async () =>
    (await arena.members(leader)).find(({ endpoint }) => endpoint === node.url)?.bootKey;
  const { value } = await increment(arena.url(0));
  const load = startLoad(
    cluster.nodes.map(({ url }) => url),
    2,
  );
  onTestFinished(async () => void (await load.stop()));

  const command = arena.commandOf(member);
  const dataDir = join(cluster.layout.logDir, "clone");
  await cp(node.dataDir, dataDir, { recursive: true });
  const [http, peer] = [await freePort(), await freePort()];
  const env = { DATA_DIR: dataDir, HTTP_PORT: `${http}`, PEER_PORT: `${peer}` };
  const logFile = cluster.layout.log("clone");
  const clone = await run({ ...command, logFile, env: { ...command.env, ...env } });
  onTestFinished(() => clone.signal("SIGKILL"));
  onTestFinished(() => proxy.behave(original));
  proxy.behave({ kind: "relay", port: peer });
  const cloneUrl = `http://127.0.0.1:${http}`;
  await expect.poll(() => serves(cloneUrl), patience).toBe(true);
  const bootOf = async (url: string) => (await getJson<Status>(`${url}/status`)).node.bootKey;
  await expect.poll(counting, patience).toBe(await bootOf(cloneUrl));
  await expect.poll(() => serves(node.url), patience).toBe(false);
  const replaced = () => reports.filter((line) => line.startsWith(`${node.name} was replaced`));
  const known = replaced().length;
  proxy.behave(original);
  await expect.poll(() => replaced().length, patience).toBeGreaterThan(known);
  await cluster.waitUntilServing(60_000);
  await expect.poll(() => serves(cloneUrl), patience).toBe(false);

  proxy.behave({ kind: "relay", port: peer });
  expect(await clone.ended).toEqual({ code: replacedExitCode, signal: null });
  proxy.behave(original);
  await cluster.waitUntilServing(60_000);
  expect(await counting()).toBe(await bootOf(node.url));
  const { acknowledged } = await load.stop();
  expect(acknowledged.length).toBeGreaterThan(0);
  const values = acknowledged.map((one) => one.value).sort((a, b) => a - b);
  expect(values).toEqual(values.map((_, at) => value + 1 + at));
  // Whom its host cuts off may have voted for another leader, and a busy machine helped it.
  await arena.goesOn(await arena.term());
}

export async function restartWithAnotherImage(arena: Arena): Promise<void> {
  const term = await arena.term();
  const leader = await arena.leader();
  const [member] = await arena.followers();
  const image = await otherImage(arena, [nameOf(arena, member)]);
  const witness = await arena.witness(leader);
  await arena.cluster.kill(member, "SIGKILL");
  arena.override(member, { DSTACK_SIMULATOR_ENDPOINT: image.sockets[0] ?? "" });
  await arena.cluster.restart(member);
  const { fault } = await witness.rejected({ reason: "proof", check: "compose hash" });
  expect(fault).toMatchObject({
    expected: "one that the contract allows",
    actual: image.composeHash,
  });
  type Own = { readonly attestation?: string };
  const own = () => getJson<Own>(`${arena.url(member)}/status`).catch((): Own => ({}));
  await expect
    .poll(async () => (await own()).attestation, patience)
    .toMatch(/^refused: .*compose hash/);
  for (let count = 0; count < 10; count += 1) await increment(arena.url(leader));
  expect(await serves(arena.url(member))).toBe(false);

  await arena.cluster.kill(member, "SIGKILL");
  arena.override(member, {});
  await arena.cluster.restart(member);
  await arena.cluster.waitUntilServing(60_000);
  await arena.goesOn(term);
}

export async function nodeWithAnotherImage(arena: Arena): Promise<void> {
  const term = await arena.term();
  const leader = await arena.leader();
  const [witness, { chain, cluster }] = [await arena.witness(leader), arena];
  const image = await otherImage(arena, ["node4"]);
  arena.override(3, { DSTACK_SIMULATOR_ENDPOINT: image.sockets[0] ?? "" });
  const joining = cluster.join({ timeoutMs: 150_000 });
  joining.catch(() => undefined);
  const { fault } = await witness.rejected({ reason: "proof", check: "compose hash" });
  expect(fault).toMatchObject({ code: "quote.rejected", actual: image.composeHash });
  for (let count = 0; count < 10; count += 1) await increment(arena.url(leader));
  const { members, pending } = await chain.reader.membership();
  expect([members.length, pending.length]).toEqual([3, 1]);
  await arena.goesOn(term);

  await chain.allow(image.composeHash);
  expect(await joining).toBe(3);
  await arena.goesOn(term + 1);

  const after = await arena.witness(leader);
  await chain.disallow(image.composeHash);
  const refusal = await after.logged(({ msg }) => msg.startsWith("attestation refuses a boot"));
  expect(refusal.fault).toMatchObject({ check: "compose hash", actual: image.composeHash });
  const counted = await after.counted("attestation_refused_total", 'check="compose hash"');
  expect(counted).toBeGreaterThan(0);
  const ownVerdict = async () =>
    (await getJson<{ readonly attestation?: string }>(`${arena.url(3)}/status`)).attestation ?? "";
  await expect.poll(ownVerdict, patience).toMatch(/^refused: .*compose hash/);
  const count = async () => (await chain.reader.membership()).members.length;
  await expect.poll(count, patience).toBe(3);
  await expect.poll(() => serves(arena.url(3)), patience).toBe(false);
  await cluster.waitUntilServing(60_000, [0, 1, 2]);
  await arena.goesOn(term + 2);
  await cluster.kill(3, "SIGTERM");
}

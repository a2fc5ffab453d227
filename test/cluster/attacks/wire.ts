/** With a member's own agent, or on its wire: genuine words in the wrong mouth. */
import { expect, onTestFinished } from "vitest";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import { increment } from "../../support/clients.ts";
import type { Arena } from "./arena.ts";
import { bootWith, enclaveAt, helloOf } from "./attacker.ts";
import { patience } from "./patience.ts";
import { startYesSayer } from "./yesSayer.ts";

export async function anotherBootKey(arena: Arena): Promise<void> {
  const leader = await arena.leader();
  const followers = await arena.followers();
  const [member] = followers;
  const proxy = arena.proxyOf(member);
  const relay = { kind: "relay", port: arena.peerPort(member) } as const;
  const before = await arena.members(leader);
  const { bootKey } = await arena.proofOf(member);
  const around = { of: arena.of, rpcUrl: arena.cluster.rpcUrl };
  const attacker = await bootWith(await enclaveAt(arena.agentOf(member)), around);
  const { wallet } = await arena.proofOf(leader);
  const peerEndpoint = `127.0.0.1:${arena.peerPort(leader)}`;
  const yesSayer = await startYesSayer(attacker, {
    of: arena.of,
    leader: { member: wallet, peerEndpoint },
  });

  const { commitIndex } = await arena.status(leader);
  const signalled = (signal: NodeJS.Signals) =>
    Promise.all(followers.map((position) => arena.cluster.kill(position, signal)));
  onTestFinished(async () => void (await signalled("SIGCONT")));
  onTestFinished(() => proxy.behave(relay));
  proxy.behave({ kind: "relay", port: yesSayer.port });
  await expect.poll(yesSayer.claimed, patience).toBeGreaterThanOrEqual(commitIndex);
  await signalled("SIGSTOP");
  const { value } = await arena.counterAt(leader);
  await expect(increment(arena.url(leader))).rejects.toThrow(/ 50[34] /);
  // It was sent the entry, and said that it holds it: a quorum, did it count.
  expect(yesSayer.claimed()).toBeGreaterThan((await arena.status(leader)).commitIndex);
  expect(await arena.counterAt(leader)).toMatchObject({ value });
  proxy.behave(relay);
  await signalled("SIGCONT");

  const increments = async () => (await increment(arena.url(member))).value;
  await expect.poll(() => increments().catch(() => 0), patience).toBeGreaterThan(value);
  await arena.cluster.waitUntilServing(60_000);
  // The one that runs is whom the log names still.
  expect(await arena.proofOf(member)).toMatchObject({ bootKey });
  const boots = (rows: typeof before) => rows.map((row) => [row.slot, row.bootKey]);
  expect(boots(await arena.members(leader))).toEqual(boots(before));
  await arena.goesOn(await arena.term());
}

export async function posingInTheMiddle(arena: Arena): Promise<void> {
  const term = await arena.term();
  const leader = await arena.leader();
  const [member] = await arena.followers();
  const [atLeader, atMember] = await Promise.all([leader, member].map(arena.witness));
  if (atLeader === undefined || atMember === undefined) return expect.unreachable();
  const { bootKey } = await arena.proofOf(member);
  const proxy = arena.proxyOf(member);
  onTestFinished(() => proxy.behave({ kind: "relay", port: arena.peerPort(member) }));
  const identity = await createBootIdentity();
  const hello = helloOf(arena.of, await arena.proofOf(member));
  proxy.behave({ kind: "terminate", port: arena.peerPort(member), identity, hello });

  const detail = new RegExp(`over a channel of key ${identity.bootKey}`);
  await atLeader.rejected({ reason: "replay", detail });
  await atMember.rejected({ reason: "replay", detail });
  proxy.behave({ kind: "relay", port: arena.peerPort(member) });
  await arena.cluster.waitUntilServing(60_000);
  expect(await arena.proofOf(member)).toMatchObject({ bootKey });
  await arena.goesOn(term);
}

export async function changingBits(arena: Arena): Promise<void> {
  const term = await arena.term();
  const [member] = await arena.followers();
  const witness = await arena.witness(member);
  const proxy = arena.proxyOf(member);
  onTestFinished(() => proxy.behave({ kind: "relay", port: arena.peerPort(member) }));
  proxy.behave({ kind: "corrupt", port: arena.peerPort(member) });
  await witness.rejected({ reason: "garbage", detail: /TLS: ERR_SSL_.*BAD_RECORD_MAC/ });
  // The channel ended there, and whoever dialled tries again.
  await expect
    .poll(() => witness.counted("peer_rejected_total", 'reason="garbage"'), patience)
    .toBeGreaterThanOrEqual(3);
  proxy.behave({ kind: "relay", port: arena.peerPort(member) });
  await arena.cluster.waitUntilServing(60_000);
  await arena.goesOn(term);
}

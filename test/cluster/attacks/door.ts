/** At the door: who has no boot of a member to show, only something that looks like one. */
import { expect } from "vitest";
import type { MemberId } from "../../../node/src/consensus/ids.ts";
import type { Enclave } from "../../../node/src/tee/enclave.ts";
import { createBootIdentity, tlsOptions } from "../../../node/src/transport/identity.ts";
import { type Anvil, rpc } from "../../support/anvil.ts";
import { deployMembership } from "../../support/membership.ts";
import type { Arena } from "./arena.ts";
import {
  blockAt,
  bootWith,
  ecdsaIdentity,
  enclaveAt,
  greet,
  helloOf,
  type Knocker,
  knock,
  posingAs,
} from "./attacker.ts";
import { registrationData } from "./contract.ts";
import { machine, nameOf, sameApp } from "./machines.ts";
import { patience } from "./patience.ts";

type Prover = Pick<Enclave, "wallet" | "quote" | "keyProof">;

/** Nothing was said to whoever came, and the door is shut. */
async function turnedAway(knocker: Knocker): Promise<void> {
  await knocker.closed;
  expect(knocker.heard()).toBe(0);
}

const around = (arena: Arena) => ({ of: arena.of, rpcUrl: arena.cluster.rpcUrl });

/** What this enclave says of a new boot is shown to a member. */
async function present(arena: Arena, enclave: Prover, to: number): Promise<Knocker> {
  const { identity, proof } = await bootWith(enclave, around(arena));
  return greet(arena.peerPort(to), identity, helloOf(arena.of, proof));
}

export async function withoutBootKey(arena: Arena): Promise<void> {
  const term = await arena.term();
  const witness = await arena.witness(0);
  await turnedAway(knock(arena.peerPort(0), { minVersion: "TLSv1.3" }));
  await witness.rejected({ reason: "certificate", detail: /Ed25519/ });
  await turnedAway(knock(arena.peerPort(0), tlsOptions(ecdsaIdentity())));
  await expect
    .poll(() => witness.counted("peer_rejected_total", 'reason="certificate"'), patience)
    .toBeGreaterThanOrEqual(2);
  await arena.goesOn(term);
}

export async function replayedQuote(arena: Arena): Promise<void> {
  const term = await arena.term();
  const witness = await arena.witness(0);
  const [proof, identity] = await Promise.all([arena.proofOf(1), createBootIdentity()]);
  await turnedAway(greet(arena.peerPort(0), identity, helloOf(arena.of, proof)));
  await witness.rejected({ reason: "replay", detail: new RegExp(proof.bootKey) });

  const { bootKey } = identity;
  await turnedAway(greet(arena.peerPort(0), identity, helloOf(arena.of, { ...proof, bootKey })));
  const { fault } = await witness.rejected({
    reason: "proof",
    check: "quote.reportDataMismatch",
  });
  expect(fault?.actual).toMatch(/^[0-9a-f]{128}$/);
  expect(fault?.expected).toMatch(/^[0-9a-f]{128}$/);
  expect(fault?.actual).not.toBe(fault?.expected);
  await arena.goesOn(term);
}

export async function quoteForAnotherContract(arena: Arena): Promise<void> {
  const term = await arena.term();
  const witness = await arena.witness(1);
  const enclave = await enclaveAt(arena.agentOf(2));
  const { rpcUrl } = arena.cluster;
  const anvil: Pick<Anvil, "rpc"> = {
    rpc: (method, params = []) => rpc(rpcUrl, method, params),
  };
  const { kmsRoot, appId } = enclave;
  const second = await deployMembership(anvil, { kmsRoot, appId, genesisSize: 1 });
  const other = { ...arena.of, contract: second.contract.toLowerCase() };
  const { identity, proof } = await bootWith(enclave, { of: other, rpcUrl });

  await turnedAway(greet(arena.peerPort(1), identity, helloOf(other, proof)));
  await witness.rejected({ reason: "cluster", detail: new RegExp(other.contract) });
  await turnedAway(greet(arena.peerPort(1), identity, helloOf(arena.of, proof)));
  await witness.rejected({ reason: "proof", check: "quote.reportDataMismatch" });
  await arena.goesOn(term);
}

export async function debuggableMachine(arena: Arena): Promise<void> {
  const term = await arena.term();
  const witness = await arena.witness(0);
  const { sockets } = await machine({
    names: [nameOf(arena, 2)],
    faults: ["debug"],
    args: sameApp(arena),
  });
  await turnedAway(await present(arena, await enclaveAt(sockets[0] ?? ""), 0));
  const { fault } = await witness.rejected({ reason: "proof", check: "debug attribute" });
  expect(fault).toMatchObject({ code: "quote.rejected", expected: "clear" });
  expect(fault?.actual).toMatch(/^set/);
  await arena.goesOn(term);
}

export async function anotherTenant(arena: Arena): Promise<void> {
  const term = await arena.term();
  const witness = await arena.witness(0);
  const { sockets } = await machine({ names: ["node1"], args: ["--app-id", "7e".repeat(20)] });
  const tenant = await enclaveAt(sockets[0] ?? "");
  expect(tenant.wallet.address).not.toBe((await arena.proofOf(0)).wallet);

  await turnedAway(await present(arena, tenant, 0));
  const { address } = tenant.wallet;
  await witness.rejected({ reason: "not-a-member", detail: new RegExp(address) });
  const victim: MemberId = (await arena.proofOf(2)).wallet;
  await turnedAway(await present(arena, posingAs(victim, tenant), 0));
  const { fault } = await witness.rejected({ reason: "proof", check: "quote.walletMismatch" });
  expect(fault).toMatchObject({ expected: victim, actual: address });

  // With a token even: dstack's keys of another app are no way in.
  const tokenId = await arena.chain.mint(address);
  const { bootKey } = await createBootIdentity();
  const data = await registrationData(tenant, tokenId, bootKey);
  const [, root] =
    /^invalidkmssignature\(0x[0-9a-f]{40}, (0x[0-9a-f]{40})\)$/.exec(
      await arena.chain.refusalOf(address, data),
    ) ?? [];
  expect(root).toBe(tenant.kmsRoot.toLowerCase());
  const sent = await arena.chain.send(address, data);
  await expect.poll(() => arena.chain.receipt(sent), patience).not.toBeNull();
  expect(await arena.chain.receipt(sent)).toMatchObject({ status: "0x0" });
  expect((await arena.chain.reader.membership()).pending).toEqual([]);
  await arena.goesOn(term);
}

/** To be the last: the chain's clock jumps, and every proof that there is grows old with it. */
export async function staleQuote(arena: Arena): Promise<void> {
  const term = await arena.term();
  const witness = await arena.witness(0);
  const { rpcUrl } = arena.cluster;
  const block = await blockAt(rpcUrl, "latest");
  const enclave = await enclaveAt(arena.agentOf(2));
  const { identity, proof } = await bootWith(enclave, { ...around(arena), block });
  await arena.chain.ask("evm_increaseTime", 700);
  await arena.chain.ask("evm_mine");
  await turnedAway(greet(arena.peerPort(0), identity, helloOf(arena.of, proof)));
  const { detail } = await witness.rejected({ reason: "proof", check: "quote.stale" });
  expect(detail).toMatch(/block is 7\d{5} ms older than the newest, at most 600000 ms/);
  await arena.goesOn(term);
}

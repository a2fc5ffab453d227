/** Attackers with an agent of their own, and a client that speaks the peers' protocol. */
import { generateKeyPairSync } from "node:crypto";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { bootKey, type MemberId } from "../../../node/src/consensus/ids.ts";
import type { BootProof } from "../../../node/src/runtime/attestation.ts";
import type { Block } from "../../../node/src/runtime/ports.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { createBootProver } from "../../../node/src/tee/proveBoot.ts";
import { encodeFrame } from "../../../node/src/transport/codec.ts";
import {
  type BootIdentity,
  certify,
  createBootIdentity,
  tlsOptions,
} from "../../../node/src/transport/identity.ts";
import { rpc } from "../../support/anvil.ts";

export type Contract = { readonly chainId: number; readonly contract: string };
export type Attacker = { readonly identity: BootIdentity; readonly proof: BootProof };
type Prover = Pick<Enclave, "wallet" | "quote" | "keyProof">;

const log = pino({ level: "silent" });

export const enclaveAt = (endpoint: string): Promise<Enclave> => openEnclave({ endpoint, log });

/**
 * A boot with a key of its own, and what this enclave says of it.
 *
 * @param options.block the block that it names; a recent one by default
 */
export async function bootWith(
  enclave: Prover,
  options: { readonly of: Contract; readonly rpcUrl: string; readonly block?: Block },
): Promise<Attacker> {
  const { of: cluster, rpcUrl, block = null } = options;
  const identity = await createBootIdentity();
  const prove = createBootProver({
    enclave,
    bootKey: identity.bootKey,
    cluster,
    head: async () => block ?? (await blockAt(rpcUrl, "latest")),
    blockAt: async (number) => block ?? (await blockAt(rpcUrl, `0x${number.toString(16)}`)),
    log,
  });
  return { identity, proof: await prove() };
}

export async function blockAt(rpcUrl: string, tag: string): Promise<Block> {
  type Answer = { readonly number: string; readonly hash: string; readonly timestamp: string };
  const { number, hash, timestamp } = await rpc<Answer>(rpcUrl, "eth_getBlockByNumber", [
    tag,
    false,
  ]);
  return { number: BigInt(number), hash, timestampMs: Number(timestamp) * 1_000 };
}

/** Claims to be that member, whose key it lacks. */
export const posingAs = (member: MemberId, enclave: Enclave): Prover => ({
  ...enclave,
  wallet: { ...enclave.wallet, address: member },
});

export type Knocker = {
  readonly socket: TLSSocket;
  readonly closed: Promise<void>;
  /** All bytes that came. */
  heard(): number;
};

/** The socket is destroyed when the test ends, if not before. */
export function knock(port: number, options: ConnectionOptions): Knocker {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  let bytes = 0;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  socket.on("error", () => undefined);
  socket.on("close", () => resolve());
  onTestFinished(() => {
    socket.destroy();
  });
  return { socket, closed, heard: () => bytes };
}

/** Dials with this key, and says that hello. */
export function greet(port: number, identity: BootIdentity, hello: Uint8Array): Knocker {
  const knocker = knock(port, tlsOptions(identity));
  knocker.socket.write(hello);
  return knocker;
}

export const helloOf = (of: Contract, proof: BootProof): Uint8Array =>
  encodeFrame({ kind: "hello", ...of, proof });

/** An identity whose key is not Ed25519. */
export function ecdsaIdentity(): BootIdentity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { bootKey: bootKey("00"), certificate: certify(publicKey, privateKey), privateKey };
}

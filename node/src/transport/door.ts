/**
 * Who may speak: checks the hello of the other side and says this boot's own.
 *
 * **Safety assumes** that TLS proved who holds the key of the certificate, and that `verify` throws
 * for every proof that does not vouch for its boot key. Then a message that passes carries the name
 * of an attested boot, and no other process can have sent it.
 * **Liveness assumes** that `prove` and `verify` answer in time; who dials tries again.
 */
import type { Boot, BootKey, Digest, MemberId } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { ProveBoot, VerifyBoot } from "../runtime/attestation.ts";
import { decodeFrame, encodeFrame, type Hello } from "./codec.ts";
import { type Rejection, rejection } from "./rejection.ts";

export type Cluster = { readonly chainId: number; readonly contract: string };
export type Door = {
  /** This boot's hello, ready to be sent. Rejects when the proof cannot be had. */
  hello(): Promise<Uint8Array>;
  /**
   * @param body the first frame of a channel
   * @param key the key that the other side proved to hold in the TLS handshake
   * @param dialled the member that should answer there; `null` for who came by itself
   */
  admit(body: Uint8Array, key: BootKey, dialled: MemberId | null): Promise<Boot | Rejection>;
};

export function createDoor(options: {
  readonly cluster: Cluster;
  readonly digest: Digest;
  readonly verifyMs: number;
  readonly helloBytesMax: number;
  readonly isListed: (member: MemberId) => boolean;
  readonly prove: ProveBoot;
  readonly verify: VerifyBoot;
}): Door {
  const { cluster, digest, isListed, helloBytesMax } = options;

  async function admit(
    body: Uint8Array,
    key: BootKey,
    dialled: MemberId | null,
  ): Promise<Boot | Rejection> {
    const hello = decodeFrame(body, digest);
    if (hello.kind === "rejection") return hello;
    if (hello.kind !== "hello") return rejection("garbage", `${hello.kind} in place of a hello`);
    const early = rejectHello(hello, { cluster, key, dialled, isListed });
    if (early !== null) return early;

    const { proof } = hello;
    const refusal = await refusalOf(options.verify(proof), options.verifyMs);
    if (refusal !== null) return refusal;
    // The roster may have changed meanwhile.
    if (!isListed(proof.wallet)) return notListed(proof.wallet);
    return { member: proof.wallet, bootKey: proof.bootKey };
  }

  async function hello(): Promise<Uint8Array> {
    const frame = encodeFrame({ kind: "hello", ...cluster, proof: await options.prove() });
    if (frame.length - 4 > helloBytesMax) {
      throw new Error(`own hello of ${frame.length} bytes, peers take at most ${helloBytesMax}`);
    }
    return frame;
  }

  return { hello, admit };
}

/** The checks that cost nothing, before the one that does. */
function rejectHello(
  { chainId, contract, proof }: Hello,
  expected: {
    readonly cluster: Cluster;
    readonly key: BootKey;
    readonly dialled: MemberId | null;
    readonly isListed: (member: MemberId) => boolean;
  },
): Rejection | null {
  const { cluster, key, dialled, isListed } = expected;
  if (chainId !== cluster.chainId || contract !== cluster.contract) {
    const ours = `chain ${cluster.chainId}, contract ${cluster.contract}`;
    return rejection("cluster", `chain ${chainId}, contract ${contract}; expected ${ours}`);
  }
  if (proof.bootKey !== key) {
    return rejection("replay", `a proof for key ${proof.bootKey} over a channel of key ${key}`);
  }
  if (!isListed(proof.wallet)) return notListed(proof.wallet);
  if (dialled !== null && proof.wallet !== dialled) {
    return rejection("wrong-member", `${proof.wallet} answered where ${dialled} was expected`);
  }
  return null;
}

const notListed = (wallet: MemberId): Rejection =>
  rejection("not-a-member", `${wallet} is not another member of the present roster`);

/** `null`, or why not. What was verified is remembered by who verifies. */
async function refusalOf(
  verifying: Promise<unknown>,
  timeoutMs: number,
): Promise<Rejection | null> {
  const { promise: late, resolve } = Promise.withResolvers<Rejection>();
  const detail = `not verified within ${timeoutMs} ms`;
  const timer = setTimeout(() => resolve(rejection("proof", detail)), timeoutMs);
  const refused = verifying.then(() => null, describe);
  return await Promise.race([refused, late]).finally(() => clearTimeout(timer));
}

function describe(error: unknown): Rejection {
  const detail = error instanceof Error ? error.message : "the proof was not accepted";
  const fault: unknown = error instanceof ClusterError ? error.fault : null;
  return { ...rejection("proof", detail), fault };
}

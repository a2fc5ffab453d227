/** The simulator's own hierarchy and PCCS in this process, with a clock of the test's. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { CollateralFault } from "../../../simulator/src/faults.ts";
import { type Answer, collateralOf } from "../../../simulator/src/pccs/collateral.ts";
import { teeTcbSvn } from "../../../simulator/src/pki/device.ts";
import { createPki, type Pki } from "../../../simulator/src/pki/pki.ts";
import { encodeQuote, encodeSignedRegion } from "../../../simulator/src/quote/layout.ts";
import { quoteSigner } from "../../../simulator/src/quote/signer.ts";

export const model = { fmspc: "00de57ac0000", authority: "platform" } as const;

export async function hierarchy(seed = "test"): Promise<Pki> {
  return await createPki(seed, "default");
}

/** A raw quote of a machine that measured nothing. */
export function quoteOf(pki: Pki, change: { readonly teeTcbSvn?: Uint8Array } = {}): Uint8Array {
  const empty = (bytes: number) => new Uint8Array(bytes);
  const register = empty(48);
  const region = encodeSignedRegion(
    {
      ...{ teeTcbSvn, mrSeam: register, mrSignerSeam: register, seamAttributes: empty(8) },
      tdAttributes: Uint8Array.of(0, 0, 0, 0x10, 0, 0, 0, 0),
      ...{ xfam: empty(8), mrtd: register, mrConfigId: register },
      ...{ mrOwner: register, mrOwnerConfig: register, reportData: empty(64) },
      rtmrs: [register, register, register, register],
      ...change,
    },
    empty(16),
  );
  return encodeQuote(region, quoteSigner(pki)(region));
}

const answers = new Map<Pki, Answer>();

/** Its certificates are issued once. */
function answerOf(pki: Pki): Answer {
  const answer = answers.get(pki) ?? collateralOf(pki);
  answers.set(pki, answer);
  return answer;
}

export type Pccs = Awaited<ReturnType<typeof startPccs>>;

/** Answers on loopback until the test ends. */
export async function startPccs(pki: Pki) {
  const state = {
    faults: [] as readonly CollateralFault[],
    now: new Date(),
    asked: [] as string[],
    /** Accepts questions, and leaves them without an answer. */
    isMute: false,
  };
  const answer = answerOf(pki);
  const server = createServer(async (request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://pccs");
    state.asked.push(request.url ?? "/");
    if (state.isMute) return;
    const { faults, now } = state;
    const reply = await answer({ path, query, faults, now });
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(close);
  return { state, url: `http://127.0.0.1:${port}`, close };
}

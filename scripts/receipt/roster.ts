/**
 * The contract's roster: all that a receipt is held against. Read from the chain, or from a file
 * that an earlier run saved.
 */
import { readFile, writeFile } from "node:fs/promises";
import * as AbiFunction from "ox/AbiFunction";
import { z } from "zod";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { answerAs, type Endpoint, hexNumber, hexText } from "../../node/src/chain/rpc.ts";

const address = z.templateLiteral(["0x", z.string().regex(/^[0-9a-f]{40}$/)]);
const count = z.number().int().nonnegative();

const rosterSchema = z.strictObject({
  format: z.literal(1),
  chainId: count,
  contract: address,
  /** At which it was read. */
  block: z.strictObject({ number: count, hash: z.string() }),
  term: count,
  /** Term of the last cold start; 0 is "none". */
  coldTerm: count,
  members: z
    .array(
      z.strictObject({
        slot: z.number().int().min(0).max(255),
        wallet: address,
        revoked: z.boolean(),
      }),
    )
    .readonly(),
});

export type SavedRoster = Readonly<z.infer<typeof rosterSchema>>;
export type RosterMember = SavedRoster["members"][number];

const blockSchema = z.object({ number: hexNumber, hash: hexText });
const clusterFunction = AbiFunction.fromAbi(membershipAbi, "cluster");

/** @throws Error when the chain does not answer, or the address holds no membership contract */
export async function readRoster(rpc: Endpoint, contract: string): Promise<SavedRoster> {
  const method = "eth_getBlockByNumber";
  const [chainId, block] = await Promise.all([
    rpc.call("eth_chainId", []).then((answer) => answerAs(hexNumber, answer, "eth_chainId")),
    rpc.call(method, ["latest", false]).then((answer) => answerAs(blockSchema, answer, method)),
  ]);
  const data = AbiFunction.encodeData(clusterFunction);
  const at = { blockHash: block.hash };
  const answer = answerAs(
    hexText,
    await rpc.call("eth_call", [{ to: contract, data }, at]),
    "eth_call",
  );
  const cluster = decode(answer as `0x${string}`, contract);
  return {
    format: 1,
    chainId: Number(chainId),
    contract: lowerCase(contract),
    block: { number: Number(block.number), hash: block.hash },
    term: Number(cluster.term),
    coldTerm: Number(cluster.coldTerm),
    members: cluster.members.map(({ slot, wallet, revoked }) => ({
      slot,
      wallet: lowerCase(wallet),
      revoked,
    })),
  };
}

/** @throws Error naming what in the file is not as `writeRoster` writes it */
export async function loadRoster(path: string): Promise<SavedRoster> {
  const text = await readFile(path, "utf8");
  const parsed = rosterSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Error(`${path} is no saved roster: ${z.prettifyError(parsed.error)}`);
}

export async function writeRoster(path: string, roster: SavedRoster): Promise<void> {
  await writeFile(path, `${JSON.stringify(roster, null, 2)}\n`);
}

function decode(answer: `0x${string}`, contract: string) {
  try {
    return AbiFunction.decodeResult(clusterFunction, answer);
  } catch (error) {
    throw new Error(`what lies at ${contract} is not the membership contract`, { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lowerCase(hex: string): `0x${string}` {
  return `0x${hex.slice(2).toLowerCase()}`;
}

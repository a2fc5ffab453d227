/**
 * The set-up as a program of its own, for a cluster whose parts are containers. Leaves the
 * contract's address in a file that the nodes read as environment (`node --env-file`).
 *
 * Environment: RPC_URL; AGENTS, comma-separated `name=endpoint`; CONTRACT_FILE.
 * Exit codes: 0 when the chain is ready, 1 when it cannot be, 2 when configured wrongly.
 */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { setUp } from "./setup.ts";

const timeoutMs = 60_000;
const misconfigured = 2;

const agents = z
  .string()
  .transform((text) => text.split(",").map((pair) => pair.split("=", 2)))
  .pipe(z.array(z.tuple([z.string().min(1), z.string().min(1)])).min(1));
const environmentSchema = z.object({
  RPC_URL: z.url({ protocol: /^https?$/ }),
  AGENTS: agents,
  CONTRACT_FILE: z.string().min(1),
});

process.exitCode = await main();

async function main(): Promise<number> {
  const environment = environmentSchema.safeParse(process.env);
  if (!environment.success) {
    for (const { path, message } of environment.error.issues) say(`${path.join(".")}: ${message}`);
    return misconfigured;
  }
  const { RPC_URL: rpcUrl, AGENTS: pairs, CONTRACT_FILE: contractFile } = environment.data;
  try {
    const contract = contractIn(contractFile);
    const deployment = await setUp({
      rpcUrl,
      agents: pairs.map(([name, endpoint]) => ({ name, endpoint })),
      contract,
      timeoutMs,
    });
    if (deployment.deployed) await leave(contractFile, deployment.contract);
    const what = deployment.deployed ? "deployed" : "found";
    say(`contract ${deployment.contract} ${what} on chain ${deployment.chainId}`);
    return 0;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** In one step: who finds the file finds all of it. */
async function leave(contractFile: string, contract: string): Promise<void> {
  const next = `${contractFile}.next`;
  await writeFile(next, `CONTRACT_ADDRESS=${contract}\n`);
  await rename(next, contractFile);
}

function contractIn(contractFile: string): string | null {
  try {
    const text = readFileSync(contractFile, "utf8");
    const contract = /^CONTRACT_ADDRESS=(0x[0-9a-fA-F]{40})$/m.exec(text)?.[1];
    if (contract === undefined) throw new Error(`${contractFile} holds no CONTRACT_ADDRESS`);
    return contract;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

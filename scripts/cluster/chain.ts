/** The local chain: anvil, with its state on disk. */
import { rpcEndpoint } from "../../node/src/chain/rpc.ts";
import type { Layout } from "./layout.ts";
import { chainPortOf, host } from "./ports.ts";
import type { Programs } from "./programs.ts";
import type { Service } from "./supervisor.ts";

export type ChainOptions = {
  readonly basePort: number;
  /** `null`: a block per transaction, at once. */
  readonly blockTimeSeconds: number | null;
};

/** Where a killed anvil takes up again: at most this long before it was killed. */
const stateIntervalSeconds = 1;
const answerTimeoutMs = 1_000;
/** More than any node asks back; without a bound anvil spills old states into the home folder. */
const keptStates = 256;

export function chainService(programs: Programs, layout: Layout, options: ChainOptions): Service {
  const { basePort, blockTimeSeconds } = options;
  const args = ["--host", host, "--port", String(chainPortOf(basePort)), "--quiet"];
  args.push("--state", layout.chainState, "--state-interval", String(stateIntervalSeconds));
  args.push("--prune-history", String(keptStates));
  if (blockTimeSeconds !== null) args.push("--block-time", String(blockTimeSeconds));
  const logFile = layout.log("chain");
  return {
    name: "chain",
    command: { program: programs.anvil, args, env: {}, logFile },
    restartCode: null,
  };
}

/** Whether the chain answers. */
export async function chainAnswers(rpcUrl: string): Promise<boolean> {
  try {
    await rpcEndpoint(rpcUrl, 0, answerTimeoutMs).call("eth_chainId", []);
    return true;
  } catch {
    return false;
  }
}

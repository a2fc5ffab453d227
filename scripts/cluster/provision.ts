/** The set-up of a start: the contract, and what it takes each node for. */
import type { Deployment, SetUp, SetUpRequest } from "../setup/setup.ts";
import type { Context } from "./context.ts";
import { reasonOf, StartError } from "./failure.ts";
import { guestSocket } from "./layout.ts";
import { nodeName, rpcUrlOf } from "./node.ts";
import { answerTimeoutMs, blocksMs } from "./nodes.ts";
import type { ClusterRecord, RecordedNode } from "./record.ts";

export type Provision = {
  readonly deployment: NonNullable<ClusterRecord["deployment"]>;
  readonly nodes: readonly NodeAtStart[];
};

export type NodeAtStart = RecordedNode & {
  /** What the contract took it for before this start. */
  readonly before: Deployment["nodes"][number]["before"]["standing"];
};

/**
 * Makes the chain ready for the recorded nodes, and records their wallets.
 *
 * @throws StartError
 */
export async function provision(context: Context, setUp: SetUp): Promise<Provision> {
  const { chainId, contract, appId, deployed, nodes: found } = await attempt(context, setUp);
  const deployment = { chainId, contract, appId };
  const nodes = context.record().nodes.map((node, position): NodeAtStart => {
    // In the order of the agents, hence of the record.
    const { wallet = null, before } = found[position] ?? {};
    return { ...node, wallet, before: before?.standing ?? "none" };
  });
  const recorded = nodes.map(({ number, wallet, leaving }) => ({ number, wallet, leaving }));
  await context.update({ deployment, nodes: recorded });
  const done = deployed ? "deployed, members funded and minted" : "found, with its members";
  context.report(`contract   ${contract} ${done}`);
  return { deployment, nodes };
}

async function attempt(context: Context, setUp: SetUp): Promise<Deployment> {
  const { deployment } = context.record();
  try {
    return await setUp(requestOf(context));
  } catch (error) {
    const remedy = deployment === null ? "" : "; --fresh starts over without the data";
    throw new StartError(`set-up: ${reasonOf(error)}${remedy}`, { cause: error });
  }
}

function requestOf(context: Context): SetUpRequest {
  const { socketDir, basePort, deployment, nodes } = context.record();
  const names = nodes.map(({ number }) => nodeName(number));
  return {
    rpcUrl: rpcUrlOf(basePort),
    agents: names.map((name) => ({ name, endpoint: guestSocket(socketDir, name) })),
    contract: deployment?.contract ?? null,
    timeoutMs: answerTimeoutMs + blocksMs(context),
  };
}

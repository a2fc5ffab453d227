/** The chain of a compose project. */
import * as AbiFunction from "ox/AbiFunction";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import type { Endpoint } from "../../../node/src/chain/rpc.ts";
import { headOf } from "../../chaos/local/chain.ts";
import { ChangeError } from "../../cluster/failure.ts";
import { becomes } from "../../cluster/wait.ts";
import { start, stop } from "../../docker/containers.ts";
import { membershipReader } from "../../setup/membership.ts";
import type { ChainFaults } from "../breakable.ts";
import { blocksOf } from "../chain.ts";
import type { NodeSight } from "../sight.ts";
import { castEndpoint } from "./cast.ts";
import { type Parts, paths } from "./parts.ts";
import { workOn } from "./volumes.ts";

/** It writes its state when it is asked to end. */
const graceSeconds = 10;
const answersWithinMs = 60_000;

export function containerChain({ chain, nodes }: Parts, say: (line: string) => void): ChainFaults {
  const rpc = castEndpoint(chain.name);
  return {
    async stop() {
      await stop(chain.name, graceSeconds);
      say("chain stopped");
    },
    async start() {
      await start(chain.name);
      const answers = () =>
        headOf(rpc).then(
          () => true,
          () => false,
        );
      if (await becomes(answers, answersWithinMs)) return say("chain started");
      throw new ChangeError(`the chain did not answer within ${answersWithinMs / 1_000} s`);
    },
    blocks: async () => blocksOf(rpc, await contractOf(nodes)),
    blockTimeSeconds: null,
  };
}

const handOver = AbiFunction.fromAbi(membershipAbi, "handOver");

/**
 * The leader's petition, sent in its name: a development chain lets anybody have any account. The key
 * itself is behind a socket that only containers reach.
 */
export async function petition(
  { chain, nodes }: Parts,
  leader: NodeSight,
  successor: NodeSight,
): Promise<void> {
  const [rpc, contract] = [castEndpoint(chain.name), await contractOf(nodes)];
  const { term, members } = await membershipReader(rpc, contract).membership();
  const seatOf = ({ url }: NodeSight) => {
    const seat = members.find(({ endpoint }) => endpoint === url);
    if (seat !== undefined) return seat;
    throw new ChangeError(`the contract knows no member at ${url}`);
  };
  const from = seatOf(leader).wallet;
  const data = AbiFunction.encodeData(handOver, [BigInt(term), seatOf(successor).slot]);
  await asAccount(rpc, from, () => rpc.call("eth_sendTransaction", [{ from, to: contract, data }]));
}

async function asAccount(
  rpc: Endpoint,
  account: string,
  act: () => Promise<unknown>,
): Promise<void> {
  await rpc.call("anvil_impersonateAccount", [account]);
  try {
    await act();
  } finally {
    await rpc.call("anvil_stopImpersonatingAccount", [account]);
  }
}

/** @throws ChangeError */
async function contractOf([node]: Parts["nodes"]): Promise<string> {
  const text = node === undefined ? "" : await workOn(node, [`cat ${paths.contractFile}`]);
  const contract = /^CONTRACT_ADDRESS=(0x[0-9a-fA-F]{40})$/m.exec(text)?.[1];
  if (contract !== undefined) return contract;
  throw new ChangeError(`there is no contract yet: ${paths.contractFile} names none`);
}

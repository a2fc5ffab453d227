/** The operator at the contract: what it reads, and what it asks for with the tokens it holds. */
import { rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import { type MembershipReader, membershipReader } from "../../setup/membership.ts";
import { type Outbox, openOutbox } from "../../setup/outbox.ts";
import { retire, takeBack } from "../../setup/tokens.ts";
import type { Context } from "../context.ts";
import { ChangeError } from "../failure.ts";
import { rpcUrlOf } from "../node.ts";
import { answerTimeoutMs, blocksMs } from "../nodes.ts";

export type Operator = MembershipReader & {
  /** Resolves once it is mined; throws Error saying why it was refused. */
  retire(tokenId: bigint): Promise<void>;
  takeBack(tokenId: bigint): Promise<void>;
};

const callTimeoutMs = 5_000;

export function operatorOf(context: Context): Operator {
  const { basePort, deployment } = context.record();
  if (deployment === null) throw new ChangeError("there is no contract yet: the cluster starts");
  const { contract } = deployment;
  const rpc = rpcEndpoint(rpcUrlOf(basePort), 0, callTimeoutMs);
  const carryOut = async (act: (outbox: Outbox) => Promise<void>) => {
    const outbox = await openOutbox(rpc);
    await act(outbox);
    await outbox.settled(answerTimeoutMs + blocksMs(context));
  };
  return {
    ...membershipReader(rpc, contract),
    retire: (tokenId) => carryOut((outbox) => retire(outbox, contract, tokenId)),
    takeBack: (tokenId) => carryOut((outbox) => takeBack(outbox, contract, tokenId)),
  };
}

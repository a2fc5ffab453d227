/** Calls of the contract that change nothing, to one endpoint. */
import * as AbiFunction from "ox/AbiFunction";
import { z } from "zod";
import { unreachable } from "./errors.ts";
import type { Endpoint } from "./rpc.ts";

/** By hash (EIP-1898), several calls see one block even while the chain is reorganised. */
export type At = { readonly blockHash: string } | string;

export type ViewCalls = {
  /**
   * @returns what the function returned, encoded
   * @throws ChainError chain.unreachable, RpcRefusal
   */
  readonly callAt: (
    definition: AbiFunction.AbiFunction,
    parameters: readonly unknown[],
    at: At,
  ) => Promise<`0x${string}`>;
  /** @throws ChainError chain.unreachable when `decode` throws: who answers like that is no endpoint */
  readonly decoded: <T>(decode: () => T) => T;
};

export const hexSchema = z.templateLiteral(["0x", z.string().regex(/^[0-9a-f]*$/)]);

export function viewCalls(endpoint: Endpoint, contract: string): ViewCalls {
  function decoded<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      const reason = `${endpoint.name}: the contract's answer cannot be read`;
      throw unreachable(reason, { cause: error });
    }
  }

  return {
    decoded,
    async callAt(definition, parameters, at) {
      const data = AbiFunction.encodeData(definition, parameters as never);
      const answer = await endpoint.call("eth_call", [{ to: contract, data }, at]);
      return decoded(() => hexSchema.parse(answer));
    },
  };
}

/** Why a call to the contract will not do, in the runtime's terms. */
import { ChainError, reverted, revertText } from "./errors.ts";
import { RpcRefusal } from "./rpc.ts";

/**
 * @param name the contract's function
 * @returns ChainError chain.reverted when the contract refused, chain.refused when the endpoint did
 */
export function refusalOf(name: string, error: unknown): ChainError {
  if (error instanceof ChainError) return error;
  if (!(error instanceof RpcRefusal)) throw error;
  if (error.revertData !== null) return reverted(name, revertText(error.revertData));
  if (/revert/i.test(error.message)) return reverted(name, error.message);
  return new ChainError(
    { code: "chain.refused", call: name, reason: error.message },
    `no endpoint takes the transaction ${name}: ${error.message}`,
    { cause: error },
  );
}

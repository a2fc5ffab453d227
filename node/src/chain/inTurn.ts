/** Several endpoints as one: whoever answers will do, and who fails loses its turn. */
import { ChainError, unreachable } from "./errors.ts";
import type { Endpoint } from "./rpc.ts";

export type Endpoints = {
  /**
   * Asks the endpoint whose turn it is; while one is unreachable, the next.
   *
   * @throws ChainError chain.unreachable when none answers
   * @throws RpcRefusal when one refuses
   */
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Gives the next endpoint its turn: what failed with this one may succeed with another. */
  rotate(): void;
};

export function inTurn(endpoints: readonly Endpoint[]): Endpoints {
  let turn = 0;

  function rotate(): void {
    turn = (turn + 1) % endpoints.length;
  }

  async function call(method: string, params: readonly unknown[]): Promise<unknown> {
    const failures: string[] = [];
    const order = [...endpoints.slice(turn), ...endpoints.slice(0, turn)];
    for (const endpoint of order) {
      try {
        return await endpoint.call(method, params);
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        failures.push("reason" in error.fault ? error.fault.reason : error.message);
      }
    }
    throw unreachable(failures.join("; "));
  }

  return { call, rotate };
}

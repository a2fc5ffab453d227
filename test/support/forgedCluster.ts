/** Endpoints that lie about the cluster, or show what it was, while all else they say is true. */
import * as AbiFunction from "ox/AbiFunction";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import type { Tamper } from "./rpcProxy.ts";

const clusterFunction = AbiFunction.fromAbi(membershipAbi, "cluster");
const clusterSelector = AbiFunction.getSelector(clusterFunction);

export type ClusterSaid = ReturnType<typeof decode>;

/** What `cluster()` returns is changed; seen from the next block on, since nodes read each once. */
export function forging(change: (said: ClusterSaid) => ClusterSaid): Tamper {
  return async (call, answer) => {
    const text = await answer();
    const [request] = call.params as readonly { readonly data?: string }[];
    if (call.method !== "eth_call" || request?.data !== clusterSelector) return text;
    const parsed = JSON.parse(text) as { result: `0x${string}` };
    const result = AbiFunction.encodeResult(clusterFunction, change(decode(parsed.result)));
    return JSON.stringify({ ...parsed, result });
  };
}

/** What is the newest block now, by that endpoint, stays the newest. */
export async function freezing(url: string): Promise<Tamper> {
  const method = "eth_getBlockByNumber";
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: ["latest", false] });
  const headers = { "content-type": "application/json" };
  const newest = await (await fetch(url, { method: "POST", headers, body })).text();
  return async (call, answer) =>
    call.method === method && call.params[0] === "latest" ? newest : await answer();
}

function decode(data: `0x${string}`) {
  return AbiFunction.decodeResult(clusterFunction, data);
}

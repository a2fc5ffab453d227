/**
 * The proxy between nodes and chain, where containers can reach it: on the host's own address on
 * docker's bridge, which other machines have no way to.
 */
import { reasonOf } from "../../cluster/failure.ts";
import { docker } from "../../docker/docker.ts";
import { gatewayOf } from "../../docker/networks.ts";
import { type RpcProxy, startRpcProxy } from "../net/rpcProxy.ts";

const bridge = "bridge";
const reachedWithinMs = 5_000;
const probe = `
  const { hostname, port } = new URL(process.argv[1]);
  setTimeout(() => process.exit(1), ${reachedWithinMs});
  require("node:net").connect(port, hostname, () => process.exit(0)).on("error", () => process.exit(1));
`;

export type RpcDoor = {
  /** `null` where containers cannot reach it. */
  readonly proxy: RpcProxy | null;
  /** Why not, for a person. */
  readonly lacking: string | null;
};

/**
 * @param upstream the chain, as the host reaches it
 * @param image any with Node.js, to try the way from
 */
export async function openRpcDoor(upstream: string, image: string): Promise<RpcDoor> {
  const gateway = await gatewayOf(bridge);
  if (gateway === null) return without("docker's bridge has no address on this machine");
  try {
    const proxy = await startRpcProxy({ host: gateway, upstream });
    if (await isReached(proxy.urlOf(0), image)) return { proxy, lacking: null };
    await proxy.close();
    return without(`containers cannot reach this machine at ${gateway}`);
  } catch (error) {
    return without(`no proxy can listen on docker's bridge (${reasonOf(error)})`);
  }
}

function without(lacking: string): RpcDoor {
  return { proxy: null, lacking };
}

async function isReached(url: string, image: string): Promise<boolean> {
  const args = ["run", "--rm", "--network", bridge, image, "node", "--eval", probe, url];
  return docker(args).then(
    () => true,
    () => false,
  );
}

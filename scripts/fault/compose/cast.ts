/** The chain of a compose project, which is not published: asked by the tool in its own container. */
import type { Endpoint } from "../../../node/src/chain/rpc.ts";
import { docker } from "../../docker/docker.ts";

const url = "http://127.0.0.1:8545";

/** Calls throw a DockerError with what the chain, or `cast`, said. */
export function castEndpoint(container: string): Endpoint {
  return {
    name: container,
    async call(method, params) {
      const cast = ["cast", "rpc", "--rpc-url", url, "--raw", method, JSON.stringify(params)];
      return JSON.parse(await docker(["exec", container, ...cast])) as unknown;
    },
  };
}

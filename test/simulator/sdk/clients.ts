/** The published clients of the guest agent, each over both ways to reach it. */
import { DstackClient, TappdClient } from "@phala/dstack-sdk";
import type { SimulatorSettings } from "../../../simulator/src/simulator.ts";
import { freePort, type Running, running } from "../support.ts";

export type Transport = "unix" | "tcp";
export const transports: readonly Transport[] = ["unix", "tcp"];

export type Reached<Client> = { readonly client: Client; readonly simulator: Running };

export async function dstackClient(transport: Transport): Promise<Reached<DstackClient>> {
  const { simulator, url } = await endpoints({});
  const client = new DstackClient(transport === "tcp" ? url : simulator.socket);
  return { client, simulator };
}

export async function tappdClient(
  transport: Transport,
  overrides: Partial<SimulatorSettings> = {},
): Promise<Reached<TappdClient>> {
  const { simulator, url } = await endpoints(overrides);
  const client = new TappdClient(transport === "tcp" ? url : simulator.tappdSocket);
  return { client, simulator };
}

async function endpoints(
  overrides: Partial<SimulatorSettings>,
): Promise<{ readonly simulator: Running; readonly url: string }> {
  const port = await freePort();
  const simulator = await running({ tcp: { host: "127.0.0.1", port }, ...overrides });
  return { simulator, url: `http://127.0.0.1:${port}` };
}

/** All instances of one app, each on its own sockets and, where asked for, its own port. */
import type { Server } from "node:http";
import { join } from "node:path";
import { bytesToHex } from "@noble/hashes/utils";
import type { Logger } from "pino";
import { type App, type AppSettings, createApp } from "./app.ts";
import { createAgentServer, type Service } from "./http/server.ts";
import { createInstance, type Instance } from "./instance.ts";
import { kmsRootAddress } from "./keys/kms.ts";
import { type Address, close, listen } from "./listen.ts";

export type SimulatorSettings = AppSettings & {
  readonly instanceNames: readonly string[];
  /** Absolute. Each instance has a folder of its name in it. */
  readonly socketDir: string;
  /** The sockets' permission bits; `null` leaves them to the umask. */
  readonly socketMode: number | null;
  /** The first instance's port and the host of all; `null` for sockets alone. */
  readonly tcp: { readonly host: string; readonly port: number } | null;
};

/** What others need to know before they meet an instance. Hex has no `0x`, as dstack writes it. */
export type Identity = {
  /** The account whose signatures a contract must accept, in EIP-55 spelling with `0x`. */
  readonly kmsRoot: string;
  readonly appId: string;
  readonly composeHash: string;
  readonly instances: readonly InstanceIdentity[];
};
export type InstanceIdentity = {
  readonly name: string;
  readonly instanceId: string;
  readonly socket: string;
  readonly tappdSocket: string;
  readonly url: string | null;
};

export type Simulator = {
  readonly identity: Identity;
  readonly stop: () => Promise<void>;
};

type Listener = { readonly server: Server; readonly address: Address };

/** Computes who the instances are, without listening. */
export async function identify(settings: SimulatorSettings): Promise<Identity> {
  const { app, instances } = await prepare(settings);
  return identityOf(settings, app, instances);
}

/**
 * Resolves once every instance answers everywhere.
 *
 * @throws Error where one cannot; then none is left listening
 */
export async function startSimulator(
  settings: SimulatorSettings,
  logger: Logger,
): Promise<Simulator> {
  const { app, instances } = await prepare(settings);
  const listeners = instances.flatMap((instance, i) => listenersOf(settings, instance, i, logger));
  const stop = async (): Promise<void> => {
    await Promise.all(listeners.map(({ server }) => close(server)));
  };
  try {
    for (const { server, address } of listeners) await listen(server, address);
  } catch (error) {
    await stop();
    throw error;
  }
  return { identity: identityOf(settings, app, instances), stop };
}

type Prepared = { readonly app: App; readonly instances: readonly Instance[] };

async function prepare(settings: SimulatorSettings): Promise<Prepared> {
  const app = await createApp(settings);
  const instances = await Promise.all(
    settings.instanceNames.map((name) => createInstance(app, name)),
  );
  return { app, instances };
}

function listenersOf(
  settings: SimulatorSettings,
  instance: Instance,
  position: number,
  logger: Logger,
): readonly Listener[] {
  const { socketMode: mode, tcp } = settings;
  const listener = (services: readonly Service[], address: Address): Listener => ({
    server: createAgentServer(instance, services, logger),
    address,
  });
  const paths = socketPaths(settings.socketDir, instance.name);
  return [
    listener(["guest"], { kind: "socket", path: paths.guest, mode }),
    listener(["tappd"], { kind: "socket", path: paths.tappd, mode }),
    ...(tcp === null
      ? []
      : [
          listener(["guest", "tappd"], {
            kind: "tcp",
            host: tcp.host,
            port: tcp.port + position,
          }),
        ]),
  ];
}

function identityOf(
  settings: SimulatorSettings,
  app: App,
  instances: readonly Instance[],
): Identity {
  const { tcp, socketDir } = settings;
  return {
    kmsRoot: kmsRootAddress(app.kms),
    appId: bytesToHex(app.appId),
    composeHash: bytesToHex(app.composeHash),
    instances: instances.map(({ name, instanceId }, position) => ({
      name,
      instanceId: bytesToHex(instanceId),
      socket: socketPaths(socketDir, name).guest,
      tappdSocket: socketPaths(socketDir, name).tappd,
      url: tcp === null ? null : `http://${tcp.host}:${tcp.port + position}`,
    })),
  };
}

/** Where an instance's two sockets are. */
export function socketPaths(
  socketDir: string,
  name: string,
): { readonly guest: string; readonly tappd: string } {
  return {
    guest: join(socketDir, name, "dstack.sock"),
    tappd: join(socketDir, name, "tappd.sock"),
  };
}

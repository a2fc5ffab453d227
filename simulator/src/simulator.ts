/**
 * All instances of one app, each on its own sockets and, where asked for, its own port; and the
 * service that verifiers of their quotes ask.
 */
import type { Server } from "node:http";
import { join } from "node:path";
import { bytesToHex } from "@noble/hashes/utils";
import type { Logger } from "pino";
import { type App, type AppSettings, createApp } from "./app.ts";
import type { CollateralFault } from "./faults.ts";
import { createAgentServer, type Service } from "./http/server.ts";
import { createInstance, type Instance } from "./instance.ts";
import { kmsRootAddress } from "./keys/kms.ts";
import { type Address, close, listen } from "./listen.ts";
import type { OsImage } from "./measurement/osImage.ts";
import { replayRegister } from "./measurement/register.ts";
import { createPccsServer } from "./pccs/server.ts";
import { rootFilePath, writeRootFile } from "./rootFile.ts";

export type SimulatorSettings = AppSettings & {
  readonly instanceNames: readonly string[];
  /** Absolute. Each instance has a folder of its name in it. */
  readonly socketDir: string;
  /** The sockets' permission bits; `null` leaves them to the umask. */
  readonly socketMode: number | null;
  /** The first instance's port and the host of all; `null` for sockets alone. */
  readonly tcp: { readonly host: string; readonly port: number } | null;
  /** Where collateral is served, and whether its faults may be changed there; `null` for nowhere. */
  readonly pccs: {
    readonly host: string;
    readonly port: number;
    readonly isControlled: boolean;
  } | null;
  readonly collateralFaults: readonly CollateralFault[];
};

/** What others need to know before they meet an instance. Hex has no `0x`, as dstack writes it. */
export type Identity = {
  /** The account whose signatures a contract must accept, in EIP-55 spelling with `0x`. */
  readonly kmsRoot: string;
  readonly appId: string;
  readonly composeHash: string;
  /** SHA-256 of the PPID in the device's certificate: what a contract lists as the device. */
  readonly deviceId: string;
  readonly measurements: Measurements;
  /** The file of the root below which quotes are signed. */
  readonly attestationRoot: string;
  /** Where its collateral is served. */
  readonly pccs: string | null;
  readonly instances: readonly InstanceIdentity[];
};
/** What the operating system image decides, hence equal in all instances. */
export type Measurements = Readonly<
  Record<"osImageHash" | "mrtd" | "rtmr0" | "rtmr1" | "rtmr2", string>
>;
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

/** Computes who the instances are, without listening or writing. */
export async function identify(
  settings: SimulatorSettings,
): Promise<Identity & { readonly attestationRootPem: string }> {
  const { app, instances } = await prepare(settings);
  const attestationRootPem = app.pki.root.pem;
  return { ...identityOf(settings, app, instances), attestationRootPem };
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
  await writeRootFile(settings.socketDir, app.pki.root.pem);
  const listeners = [
    ...instances.flatMap((instance, i) => listenersOf(settings, instance, i, logger)),
    ...pccsListeners(settings, app, logger),
  ];
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

function pccsListeners(settings: SimulatorSettings, app: App, logger: Logger): readonly Listener[] {
  const { pccs, collateralFaults: faults } = settings;
  if (pccs === null) return [];
  const { host, port, isControlled } = pccs;
  const server = createPccsServer({ pki: app.pki, faults, isControlled, logger });
  return [{ server, address: { kind: "tcp", host, port } }];
}

function identityOf(
  settings: SimulatorSettings,
  app: App,
  instances: readonly Instance[],
): Identity {
  const { tcp, pccs, socketDir } = settings;
  return {
    kmsRoot: kmsRootAddress(app.kms),
    appId: bytesToHex(app.appId),
    composeHash: bytesToHex(app.composeHash),
    deviceId: bytesToHex(app.pki.device.deviceId),
    measurements: measurementsOf(settings.image),
    attestationRoot: rootFilePath(socketDir),
    pccs: pccs === null ? null : `http://${pccs.host}:${pccs.port}`,
    instances: instances.map(({ name, instanceId }, position) => ({
      name,
      instanceId: bytesToHex(instanceId),
      socket: socketPaths(socketDir, name).guest,
      tappdSocket: socketPaths(socketDir, name).tappd,
      url: tcp === null ? null : `http://${tcp.host}:${tcp.port + position}`,
    })),
  };
}

function measurementsOf({ osImageHash, mrtd, bootEvents }: OsImage): Measurements {
  const register = (index: 0 | 1 | 2): string => bytesToHex(replayRegister(bootEvents, index));
  return {
    osImageHash: bytesToHex(osImageHash),
    mrtd: bytesToHex(mrtd),
    rtmr0: register(0),
    rtmr1: register(1),
    rtmr2: register(2),
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

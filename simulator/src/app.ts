/** What all instances of one app share: its compose file, its id and its keys. */
import { sha256 } from "@noble/hashes/sha2";
import { utf8ToBytes } from "@noble/hashes/utils";
import type { AgentVersion } from "./agentVersion.ts";
import { type AppAuthority, createAppAuthority } from "./certificate/authority.ts";
import type { QuoteFault } from "./faults.ts";
import {
  type AppKeys,
  developmentKms,
  issueAppKeys,
  type Kms,
  keyProviderInfo,
} from "./keys/kms.ts";
import type { OsImage } from "./measurement/osImage.ts";
import { createPki, type Pki } from "./pki/pki.ts";
import { quoteSigner, type SignQuote } from "./quote/signer.ts";

export type AppSettings = {
  /** Everything secret follows from this text: equal seeds give equal keys. */
  readonly seed: string;
  /** 20 bytes; `null` takes them from the compose hash, as dstack does by default. */
  readonly appId: Uint8Array | null;
  /** The compose file as deployed, byte for byte: its hash is the compose hash. */
  readonly appCompose: Uint8Array;
  readonly agentVersion: AgentVersion;
  /** What the app runs on. */
  readonly image: OsImage;
  /** The machine below: its certificate, and so its device id, follow from seed and name. */
  readonly device: string;
  readonly faults: readonly QuoteFault[];
  /** Whether a quote's event log keeps the digests that real agents leave out. */
  readonly eventLog: "real" | "full";
};

export type App = {
  readonly settings: AppSettings;
  readonly appId: Uint8Array;
  readonly appName: string;
  /** Whether the compose file asks for instances without an id. */
  readonly isAnonymous: boolean;
  readonly composeHash: Uint8Array;
  readonly composeText: string;
  readonly kms: Kms;
  readonly keys: AppKeys;
  readonly keyProviderInfo: string;
  readonly authority: AppAuthority;
  /** Of the seed, whoever signs the quotes. */
  readonly pki: Pki;
  readonly signQuote: SignQuote;
};

const appIdBytes = 20;

/** @throws Error where the compose file is not a JSON object in UTF-8 */
export async function createApp(settings: AppSettings): Promise<App> {
  const compose = parseCompose(settings.appCompose);
  const kms = developmentKms(settings.seed);
  const composeHash = sha256(settings.appCompose);
  const appId = settings.appId ?? composeHash.slice(0, appIdBytes);
  const keys = issueAppKeys(kms, appId);
  const [authority, pki] = await Promise.all([
    createAppAuthority(kms, keys, appId),
    createPki(settings.seed, settings.device),
  ]);
  return {
    settings,
    appId,
    appName: compose.appName,
    isAnonymous: compose.isAnonymous,
    composeHash,
    composeText: compose.text,
    kms,
    keys,
    keyProviderInfo: keyProviderInfo(kms),
    authority,
    pki,
    signQuote: quoteSigner(settings.faults.includes("foreign-root") ? await foreign(pki) : pki),
  };
}

/** The hierarchy of somebody else: the same device in name, below a root that nobody was told of. */
function foreign(pki: Pki): Promise<Pki> {
  return createPki(`not ${pki.seed}`, pki.device.name);
}

/** Used where no compose file is given. */
export const defaultAppCompose = utf8ToBytes(
  JSON.stringify({
    manifest_version: 2,
    name: "dstack-cluster",
    runner: "docker-compose",
    docker_compose_file: "services: {}\n",
    kms_enabled: true,
    gateway_enabled: true,
    public_logs: false,
    public_sysinfo: false,
    public_tcbinfo: true,
  }),
);

export type Compose = {
  readonly text: string;
  readonly appName: string;
  readonly isAnonymous: boolean;
};

export function parseCompose(raw: Uint8Array): Compose {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("expected a JSON object");
  }
  const name = "name" in value && typeof value.name === "string" ? value.name : "";
  const isAnonymous = "no_instance_id" in value && value.no_instance_id === true;
  return { text, appName: name, isAnonymous };
}

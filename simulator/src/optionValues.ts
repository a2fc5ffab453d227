/** The values of options: from text to what it means, or to what was expected instead. */
import { readFileSync } from "node:fs";
import { hexToBytes } from "@noble/hashes/utils";
import { InvalidArgumentError } from "commander";
import { type AgentVersion, parseAgentVersion } from "./agentVersion.ts";
import { parseCompose } from "./app.ts";
import {
  type CollateralFault,
  collateralFaultNames,
  isCollateralFault,
  isQuoteFault,
  type QuoteFault,
  quoteFaultNames,
} from "./faults.ts";
import { parseBootLog } from "./measurement/osImage.ts";
import { type MeasuredEvent, registerBytes } from "./measurement/register.ts";

const instanceCountMax = 256;
export const portMax = 65_535;
const appIdBytes = 20;
const hashBytes = 32;
/** As a certificate's subject and a log's line can hold it. */
const namePattern = /^[\x20-\x7e]{1,64}$/;

export function instanceCount(text: string): number {
  return wholeNumber(text, 0, instanceCountMax);
}

export function port(text: string): number {
  return wholeNumber(text, 1, portMax);
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
}

export function instanceName(name: string, earlier: readonly string[]): readonly string[] {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name)) return [...earlier, name];
  throw new InvalidArgumentError("Expected letters, digits, dots, dashes; 63 at most.");
}

/** Of a device, or of an operating system image. */
export function freeName(text: string): string {
  if (namePattern.test(text)) return text;
  throw new InvalidArgumentError("Expected 1 to 64 printable ASCII characters.");
}

export function mode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError("Expected three octal digits, such as 0666.");
}

export function appId(text: string): Uint8Array {
  return hex(text, appIdBytes);
}

export function mrtd(text: string): Uint8Array {
  return hex(text, registerBytes);
}

export function osImageHash(text: string): Uint8Array {
  return hex(text, hashBytes);
}

function hex(text: string, byteCount: number): Uint8Array {
  const digits = text.replace(/^0x/, "");
  if (/^[0-9a-fA-F]*$/.test(digits) && digits.length === 2 * byteCount) return hexToBytes(digits);
  throw new InvalidArgumentError(`Expected ${2 * byteCount} hex digits, with or without 0x.`);
}

export function agentVersion(text: string): AgentVersion {
  const version = parseAgentVersion(text);
  if (version === null) throw new InvalidArgumentError("Expected 0.5.4 to 0.5.11.");
  return version;
}

/** The text is checked here, so that a bad file is refused like any other bad option. */
export function readCompose(path: string): Uint8Array {
  return fileContent(path, "a JSON object", (raw) => {
    parseCompose(raw);
    return raw;
  });
}

export function readBootLog(path: string): readonly MeasuredEvent[] {
  return fileContent(path, "the events of registers 0 to 2", (raw) =>
    parseBootLog(raw.toString("utf8")),
  );
}

function fileContent<Content>(
  path: string,
  expected: string,
  parse: (raw: Buffer) => Content,
): Content {
  try {
    return parse(readFileSync(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`Expected a file with ${expected}: ${reason}.`);
  }
}

export type Faults = {
  readonly quote: readonly QuoteFault[];
  readonly collateral: readonly CollateralFault[];
};

export const noFaults: Faults = { quote: [], collateral: [] };

export function fault(name: string, earlier: Faults): Faults {
  if (isQuoteFault(name)) return { ...earlier, quote: [...earlier.quote, name] };
  if (isCollateralFault(name)) return { ...earlier, collateral: [...earlier.collateral, name] };
  const names = [...quoteFaultNames, ...collateralFaultNames];
  throw new InvalidArgumentError(`Expected one of ${names.join(", ")}.`);
}

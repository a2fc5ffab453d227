/** What the chain adapter throws, and how a revert is put into words. */
import * as AbiError from "ox/AbiError";
import { ClusterError } from "../errors.ts";
import type { ChainFault } from "../runtime/ports.ts";
import { membershipAbi } from "./membership.abi.ts";

export class ChainError extends ClusterError<ChainFault> {}

export function unreachable(reason: string, options?: ErrorOptions): ChainError {
  return new ChainError(
    { code: "chain.unreachable", reason },
    `the chain cannot be reached: ${reason}`,
    options,
  );
}

export function reverted(call: string, error: string): ChainError {
  return new ChainError(
    { code: "chain.reverted", call, error },
    `the contract refused ${call}: ${error}`,
  );
}

/**
 * A revert as a person writes it: `StaleTerm(3, 4)`.
 *
 * @param data what the call returned, 0x-hex; unknown errors are shown as they are
 */
export function revertText(data: string): string {
  return shortened(decodeRevert(data));
}

const charactersMax = 300;

/** What an endpoint says ends in logs and answers: it may be megabytes long. */
export function shortened(text: string): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}

function decodeRevert(data: string): string {
  const error = errorsBySelector().get(data.slice(0, 10));
  if (error === undefined) return data === "0x" ? "no reason given" : data;
  try {
    const decoded: unknown = error.inputs.length === 0 ? [] : AbiError.decode(error, hex(data));
    // One value comes bare, several come as a list.
    const values = error.inputs.length === 1 ? [decoded] : (decoded as readonly unknown[]);
    return `${error.name}(${values.map(String).join(", ")})`;
  } catch {
    return data;
  }
}

const builtIn = [
  AbiError.from("error Error(string reason)"),
  AbiError.from("error Panic(uint256 code)"),
];

let table: ReadonlyMap<string, AbiError.AbiError> | null = null;

function errorsBySelector(): ReadonlyMap<string, AbiError.AbiError> {
  const declared = membershipAbi.filter((item) => item.type === "error");
  table ??= new Map(
    [...builtIn, ...declared].map((error) => [AbiError.getSelector(error), error] as const),
  );
  return table;
}

function hex(text: string): `0x${string}` {
  return text as `0x${string}`;
}

/**
 * What can be wrong on purpose, so that a verifier can be seen to notice. A fault of a quote is of
 * the whole process; a fault of the collateral may come and go while the PCCS serves.
 */

const quoteFaults = {
  "wrong-report-data": "quotes hold the complement of the report data that was asked for",
  debug: "quotes are of a trust domain that its host may debug",
  "replayed-quote": "each instance answers every request with the first quote that it gave",
  "wrong-event-log": "a quote's log tells another mr-kms than was measured: it does not replay",
  "foreign-root": "quotes are signed below the root of another seed",
  "bad-signature": "one bit of a quote's signature is wrong",
} as const;

const collateralFaults = {
  "out-of-date": "the platform lacks updates: status OutOfDate, with an advisory",
  "tcb-revoked": "the platform's state of updates is revoked: status Revoked",
  "pck-revoked": "the list of the platform authority revokes the device's certificate",
  "expired-collateral": "TCB info, enclave identity and lists ended thirty days ago",
  "not-found": "the PCCS knows nothing: status 404",
  unavailable: "the PCCS is overloaded: status 503",
} as const;

export type QuoteFault = keyof typeof quoteFaults;
export type CollateralFault = keyof typeof collateralFaults;

export function isQuoteFault(name: string): name is QuoteFault {
  return Object.hasOwn(quoteFaults, name);
}

export function isCollateralFault(name: string): name is CollateralFault {
  return Object.hasOwn(collateralFaults, name);
}

/** Names and meanings, a line each. */
export function faultHelp(): string {
  return [
    ...section("Faults of quotes:", quoteFaults),
    "",
    ...section("Faults of the collateral that the PCCS serves:", collateralFaults),
  ].join("\n");
}

export const quoteFaultNames: readonly string[] = Object.keys(quoteFaults);
export const collateralFaultNames: readonly string[] = Object.keys(collateralFaults);

function section(title: string, faults: Readonly<Record<string, string>>): readonly string[] {
  const rows = Object.entries(faults).map(([name, help]) => `  ${name.padEnd(20)}${help}`);
  return [title, ...rows];
}

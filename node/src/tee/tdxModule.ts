/**
 * The TDX module: who signed it, and whether its version is up to date.
 *
 * The library that verifies quotes leaves this part of the TCB info unread.
 *
 * @see Intel TDX DCAP quote verification library, TdxModuleIdentities; tee_tcb_svn[1] is the
 * module's major version, tee_tcb_svn[0] its security version
 */
import type { TcbInfo } from "./collateral.ts";
import { type Quote, rejected } from "./quote.ts";

export type TcbState = { readonly tcbStatus: string; readonly advisoryIds: readonly string[] };

/** @throws QuoteError quote.rejected: no module that Intel describes */
export function tdxModuleState(
  { teeTcbSvn, mrSignerSeam, seamAttributes }: Quote,
  tcbInfo: TcbInfo,
): TcbState {
  const [version, major] = [teeTcbSvn.slice(0, 2), teeTcbSvn.slice(2, 4)];
  const id = `TDX_${major.toUpperCase()}`;
  // Modules before the first numbered one are described at the top, without levels.
  const levelled = tcbInfo.tdxModuleIdentities?.find((identity) => identity.id === id);
  const identity = major === "00" ? tcbInfo.tdxModule : levelled;
  if (identity === undefined)
    throw rejected("TDX module", { expected: "one that the collateral describes", actual: id });
  if (mrSignerSeam !== identity.mrsigner.toLowerCase()) {
    const expected = identity.mrsigner.toLowerCase();
    throw rejected("TDX module's signer", { expected, actual: mrSignerSeam });
  }
  const mask = BigInt(`0x${identity.attributesMask}`);
  const expected = BigInt(`0x${identity.attributes}`) & mask;
  if ((BigInt(`0x${seamAttributes}`) & mask) !== expected) {
    throw rejected("TDX module's attributes", {
      expected: `${identity.attributes.toLowerCase()} under mask ${identity.attributesMask.toLowerCase()}`,
      actual: seamAttributes,
    });
  }
  if (levelled === undefined || major === "00") return { tcbStatus: "UpToDate", advisoryIds: [] };
  const isvSvn = Number.parseInt(version, 16);
  const level = levelled.tcbLevels.find(({ tcb }) => isvSvn >= tcb.isvsvn);
  if (level === undefined) {
    const least = Math.min(...levelled.tcbLevels.map(({ tcb }) => tcb.isvsvn));
    throw rejected("TDX module's version", { expected: `at least ${least}`, actual: `${isvSvn}` });
  }
  return { tcbStatus: level.tcbStatus, advisoryIds: level.advisoryIDs ?? [] };
}

/** From best to worst; what is not among them is worse than all. */
const severities = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
];

/** What holds for a platform together with its TDX module. */
export function converge(platform: TcbState, module: TcbState): TcbState {
  const advisoryIds = [...new Set([...platform.advisoryIds, ...module.advisoryIds])];
  const needsConfiguration = platform.tcbStatus.startsWith("Configuration");
  if (module.tcbStatus === "OutOfDate" && needsConfiguration) {
    return { tcbStatus: "OutOfDateConfigurationNeeded", advisoryIds };
  }
  const [first, second] = [platform.tcbStatus, module.tcbStatus];
  return { tcbStatus: severityOf(second) > severityOf(first) ? second : first, advisoryIds };
}

function severityOf(status: string): number {
  const known = severities.indexOf(status);
  return known < 0 ? severities.length : known;
}

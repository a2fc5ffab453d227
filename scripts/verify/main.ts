/** Checks a cluster from outside: reads the options, asks, examines, prints. */
import { CommanderError } from "commander";
import { reasonOf, StartError } from "../cluster/failure.ts";
import { type Output, parseVerifyOptions, type VerifyOptions } from "./cli.ts";
import { placeOf, trustOf, UsageError } from "./place.ts";
import { isAccepted, jsonOf, type Report, tableOf } from "./report.ts";
import { verifyCluster } from "./verify.ts";

const verified = 0;
const notVerified = 1;
const misused = 2;

const ownOutput: Output = {
  say: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
};

/**
 * @returns 0 when every member passes every check (with `--quorum`: a quorum of them), 1 when not,
 *   or when the chain cannot say; 2 for bad usage
 */
export async function main(args: readonly string[], output = ownOutput): Promise<number> {
  try {
    return await verify(parseVerifyOptions(args, output), output);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? verified : misused;
    output.complain(`error: ${reasonOf(error)}\n`);
    // A data directory that cannot be read is a wrong option, too.
    return error instanceof UsageError || error instanceof StartError ? misused : notVerified;
  }
}

async function verify(options: VerifyOptions, { say }: Output): Promise<number> {
  const trust = trustOf(options);
  const place = await placeOf(options);
  const verdict = await verifyCluster(options, place, trust);
  const report: Report = { verdict, place, trust, quorumIsEnough: options.quorum };
  say(`${options.json ? jsonOf(report) : tableOf(report)}\n`);
  return isAccepted(report) ? verified : notVerified;
}

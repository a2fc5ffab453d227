/**
 * Before the chain's container starts: repairs its state where an earlier one was killed while
 * writing it, and copies it otherwise, so that there is something to go back to.
 *
 * Environment: CHAIN_STATE, the state file's path. Exit codes: 0 done, 2 configured wrongly.
 */
import { copyChainState, repairChainState } from "../cluster/chainState.ts";

const misconfigured = 2;
const { CHAIN_STATE: chainState } = process.env;

if (chainState === undefined || chainState === "") {
  process.stderr.write("CHAIN_STATE is missing: expected the path of the chain's state\n");
  process.exitCode = misconfigured;
} else {
  const repaired = repairChainState(chainState);
  if (repaired !== null) process.stdout.write(`${repaired}\n`);
  await copyChainState(chainState);
}

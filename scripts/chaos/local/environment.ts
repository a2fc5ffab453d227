/** Knobs of the nodes under test: all that a run should see happens within a minute. */
export const chaosEnvironment = {
  CALL_MS_MAX: "2000",
  CHAIN_POLL_MS: "250",
  CHECKPOINT_MS: "500",
  ANCHOR_EVERY_MS: "2000",
  SNAPSHOT_EVERY: "1000",
} as const;

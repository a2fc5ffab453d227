import type { Release } from "../../../scripts/release/records.ts";

export const digest = `sha256:${"ab".repeat(32)}`;

export function releaseOf(version: string): Release {
  return {
    version,
    gitCommit: "12".repeat(20),
    sourceDateEpoch: 1_700_000_000,
    platform: "linux/amd64",
    baseImage: `node:24@${digest}`,
    image: `x/y@${digest}`,
    imageDigest: digest,
    imageId: `sha256:${"cd".repeat(32)}`,
    appCompose: `releases/${version}/app-compose.json`,
    composeHash: "34".repeat(32),
    reproduce: `npm run release -- --check ${version}`,
  };
}

import { defineConfig } from "vitest/config";

const ofKind = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  test: {
    projects: [
      ofKind("unit", ["test/{node,simulator,scripts}/**/*.test.ts"], 60_000),
      ofKind("fuzz", ["test/fuzz/**/*.test.ts"], 180_000),
      ofKind("simulation", ["test/simulation/**/*.test.ts"], 300_000),
      {
        test: {
          ...ofKind("cluster", ["test/cluster/**/*.test.ts"], 300_000).test,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...ofKind("containers", ["test/containers/**/*.test.ts"], 600_000).test,
          fileParallelism: false,
        },
      },
    ],
  },
});

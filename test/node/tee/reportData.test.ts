import { encodeAbiParameters, keccak256, parseAbiParameters } from "viem/utils";
import { expect, test } from "vitest";
import { bootHash, bootReportData } from "../../../node/src/tee/reportData.ts";

const statement = {
  chainId: 31_337,
  contract: `0x${"C0".repeat(20)}`,
  wallet: `0x${"a1".repeat(20)}`,
  bootKey: "b2".repeat(32),
  blockNumber: 12_345_678n,
  blockHash: `0x${"d3".repeat(32)}`,
};

// protocol, "Identity"
test("the boot hash is keccak256 over the abi.encode of domain, cluster, wallet, key and block", () => {
  const encoded = encodeAbiParameters(
    parseAbiParameters("string, uint256, address, address, bytes32, uint256, bytes32"),
    [
      "dstack-cluster/boot/v1",
      31_337n,
      `0x${"c0".repeat(20)}`,
      `0x${"a1".repeat(20)}`,
      `0x${"b2".repeat(32)}`,
      12_345_678n,
      `0x${"d3".repeat(32)}`,
    ],
  );
  expect(`0x${Buffer.from(bootHash(statement)).toString("hex")}`).toBe(keccak256(encoded));
});

test("the report data is that hash and 32 zero bytes", () => {
  const data = bootReportData(statement);
  expect(data).toHaveLength(64);
  expect(data.slice(0, 32)).toEqual(bootHash(statement));
  expect(data.slice(32)).toEqual(new Uint8Array(32));
});

test("no two statements share a hash", () => {
  const changes = [
    { chainId: 1 },
    { contract: statement.wallet },
    { wallet: statement.contract },
    { bootKey: "b3".repeat(32) },
    { blockNumber: 12_345_679n },
    { blockHash: `0x${"d4".repeat(32)}` },
  ];
  const hashes = [{}, ...changes].map((change) =>
    Buffer.from(bootHash({ ...statement, ...change })).toString("hex"),
  );
  expect(new Set(hashes).size).toBe(hashes.length);
});

import * as AbiError from "ox/AbiError";
import { expect, test } from "vitest";
import { revertText } from "../../../node/src/chain/errors.ts";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";

test("the contract's errors are written with their names and values", () => {
  const stale = AbiError.fromAbi(membershipAbi, "StaleTerm");
  expect(revertText(AbiError.encode(stale, [3n, 4n]))).toBe("StaleTerm(3, 4)");

  const leader = AbiError.fromAbi(membershipAbi, "SuccessorIsLeader");
  expect(revertText(AbiError.encode(leader, [2]))).toBe("SuccessorIsLeader(2)");

  const notStarted = AbiError.fromAbi(membershipAbi, "NotStarted");
  expect(revertText(AbiError.encode(notStarted))).toBe("NotStarted()");
});

test("Solidity's own reverts and panics are written as well", () => {
  const error = AbiError.from("error Error(string reason)");
  expect(revertText(AbiError.encode(error, ["no"]))).toBe("Error(no)");
  const panic = AbiError.from("error Panic(uint256 code)");
  expect(revertText(AbiError.encode(panic, [0x11n]))).toBe("Panic(17)");
});

test("what cannot be decoded is shown as it came", () => {
  const stale = AbiError.getSelector(AbiError.fromAbi(membershipAbi, "StaleTerm"));
  expect(revertText("0x")).toBe("no reason given");
  expect(revertText("0xdeadbeef01")).toBe("0xdeadbeef01");
  expect(revertText(`${stale}00`)).toBe(`${stale}00`);
});

test("every error of the contract can be put into words", () => {
  const errors = membershipAbi.filter((item) => item.type === "error");
  expect(errors.length).toBeGreaterThan(30);
  for (const error of errors) {
    const selector = AbiError.getSelector(error);
    const zeros = `${selector}${"00".repeat(32 * 8)}`;
    expect(revertText(zeros)).toMatch(new RegExp(`^${error.name}\\(`));
  }
});

import { keccak256 } from "viem/utils";
import { expect, test } from "vitest";
import { registrationOf } from "../../../node/src/chain/registration.ts";
import { bootKey } from "../../../node/src/consensus/ids.ts";

test("a registration names the quote by its keccak256, and the boot as it is", () => {
  const boot = {
    instanceId: "11".repeat(20),
    bootKey: bootKey("0b".repeat(32)),
    endpoint: "http://127.0.0.1:8081",
    peerEndpoint: "127.0.0.1:8181",
  };
  const quote = "040002008100";
  expect(registrationOf(boot, quote)).toEqual({ ...boot, quoteHash: keccak256(`0x${quote}`) });
});

import fc from "fast-check";
import { privateKeyToAccount } from "viem/accounts";
import { hashTypedData } from "viem/utils";
import { expect, test } from "vitest";
import { packSignatures } from "../../../node/src/chain/signatures.ts";
import {
  createVoteRecoverer,
  createVoteSigner,
  voteTypedData,
} from "../../../node/src/chain/votes.ts";
import { term } from "../../../node/src/consensus/ids.ts";
import { walletOf } from "../../../node/src/tee/wallet.ts";

const contract = { chainId: 31_337, contract: `0x${"c0".repeat(20)}` };
const privateKey = `0x${"17".repeat(32)}` as const;
const account = privateKeyToAccount(privateKey);
const wallet = walletOf(Buffer.from(privateKey.slice(2), "hex"));
const statement = { term: term(7), successorSlot: 3, deadline: 1_900_000_000 };
const sign = createVoteSigner(contract, wallet);
const recover = createVoteRecoverer(contract);
const groupOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

test("a vote is EIP-712 as other wallets sign it, byte for byte", async () => {
  const typed = voteTypedData(contract, statement);
  expect(await sign(statement)).toBe(await account.signTypedData(typed));
  expect(hashTypedData(typed)).toMatch(/^0x/);
});

test("the signer is recovered from the statement that it signed, and from no other", async () => {
  const signature = await sign(statement);
  expect(await recover(statement, signature)).toBe(wallet.address);

  const others = [
    { ...statement, term: term(8) },
    { ...statement, successorSlot: 2 },
    { ...statement, deadline: 1 },
  ];
  for (const other of others) expect(await recover(other, signature)).not.toBe(wallet.address);
  const elsewhere = createVoteRecoverer({ ...contract, chainId: 1 });
  expect(await elsewhere(statement, signature)).not.toBe(wallet.address);
});

test("what the contract would not count is no signature here either", async () => {
  const signature = await sign(statement);
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)];
  const highS = (groupOrder - BigInt(`0x${s}`)).toString(16).padStart(64, "0");
  const malformed = [
    "",
    "0x",
    signature.slice(2),
    `${signature}00`,
    `0x${r}${s}00`,
    `0x${r}${s}1d`,
    `0x${r}${highS}${v === "1b" ? "1c" : "1b"}`,
    `0x${"0".repeat(128)}1b`,
    `0x${"f".repeat(128)}1b`,
  ];
  for (const text of malformed) expect(await recover(statement, text)).toBeNull();
});

test("statements out of range are nobody's", async () => {
  const signature = await sign(statement);
  for (const value of [-1, 1.5, Number.NaN, 2 ** 60]) {
    expect(await recover({ ...statement, term: term(value) }, signature)).toBeNull();
    expect(await recover({ ...statement, successorSlot: value }, signature)).toBeNull();
    expect(await recover({ ...statement, deadline: value }, signature)).toBeNull();
  }
  expect(await recover({ ...statement, successorSlot: 256 }, signature)).toBeNull();
});

test("recovering never throws, whatever the text", async () => {
  const hex = (bytes: number) =>
    fc
      .uint8Array({ minLength: bytes, maxLength: bytes })
      .map((b) => Buffer.from(b).toString("hex"));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), hex(64)), async (text) => {
      for (const candidate of [text, `0x${text}1b`, `0x${text}1c`])
        await recover(statement, candidate);
    }),
  );
});

test("signatures are packed ascending by slot, one a slot, whatever order they came in", () => {
  const signatureOf = (slot: number) => `0x${slot.toString(16).padStart(130, "0")}`;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }), (slots) => {
      const packed = packSignatures(slots.map((slot) => ({ slot, signature: signatureOf(slot) })));
      const ascending = [...new Set(slots)].sort((a, b) => a - b);
      expect(packed.blob).toBe(`0x${ascending.map((slot) => signatureOf(slot).slice(2)).join("")}`);
      const inBitmap = Array.from({ length: 256 }, (_, slot) => slot).filter(
        (slot) => (packed.signerBitmap >> BigInt(slot)) & 1n,
      );
      expect(inBitmap).toEqual(ascending);
    }),
  );
});

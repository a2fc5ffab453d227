import fc from "fast-check";
import { privateKeyToAccount } from "viem/accounts";
import { hashTypedData } from "viem/utils";
import { expect, test } from "vitest";
import {
  checkpointHash,
  checkpointTypedData,
  createCheckpointSigner,
  createVoucherRecoverer,
} from "../../../node/src/chain/vouchers.ts";
import { hash, term } from "../../../node/src/consensus/ids.ts";
import { walletOf } from "../../../node/src/tee/wallet.ts";

const contract = { chainId: 31_337, contract: `0x${"c0".repeat(20)}` };
const privateKey = `0x${"17".repeat(32)}` as const;
const account = privateKeyToAccount(privateKey);
const wallet = walletOf(Buffer.from(privateKey.slice(2), "hex"));
const checkpoint = {
  coldTerm: term(4),
  index: 9_000,
  logRoot: hash("a1".repeat(32)),
  stateHash: hash("b2".repeat(32)),
};
const sign = createCheckpointSigner(contract, wallet);
const recover = createVoucherRecoverer(contract);

test("a checkpoint is EIP-712 as other wallets sign it, byte for byte", async () => {
  const typed = checkpointTypedData(contract, checkpoint);
  expect(await sign(checkpoint)).toBe(await account.signTypedData(typed));
});

test("what is signed can be computed without a wallet", () => {
  const hashed = Buffer.from(checkpointHash(contract, checkpoint)).toString("hex");
  expect(`0x${hashed}`).toBe(hashTypedData(checkpointTypedData(contract, checkpoint)));
});

test("the signer is recovered from the checkpoint that it signed, and from no other", async () => {
  const signature = await sign(checkpoint);
  expect(await recover(checkpoint, signature)).toBe(wallet.address);

  const others = [
    { ...checkpoint, coldTerm: term(5) },
    { ...checkpoint, index: 9_001 },
    { ...checkpoint, logRoot: checkpoint.stateHash },
    { ...checkpoint, stateHash: checkpoint.logRoot },
  ];
  for (const other of others) expect(await recover(other, signature)).not.toBe(wallet.address);
  const elsewhere = createVoucherRecoverer({ ...contract, contract: `0x${"c1".repeat(20)}` });
  expect(await elsewhere(checkpoint, signature)).not.toBe(wallet.address);
});

test("checkpoints out of range are nobody's", async () => {
  const signature = await sign(checkpoint);
  for (const value of [-1, 1.5, Number.NaN, 2 ** 60]) {
    expect(await recover({ ...checkpoint, coldTerm: term(value) }, signature)).toBeNull();
    expect(await recover({ ...checkpoint, index: value }, signature)).toBeNull();
  }
  for (const text of ["", "a1", `0x${"a1".repeat(32)}`, "A1".repeat(32), "xy".repeat(32)]) {
    expect(await recover({ ...checkpoint, logRoot: hash(text) }, signature)).toBeNull();
    expect(await recover({ ...checkpoint, stateHash: hash(text) }, signature)).toBeNull();
  }
});

test("recovering never throws, whatever the text", async () => {
  const hex = fc
    .uint8Array({ minLength: 64, maxLength: 64 })
    .map((bytes) => Buffer.from(bytes).toString("hex"));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), hex), async (text) => {
      for (const candidate of [text, `0x${text}1b`, `0x${text}1c`])
        expect(await recover(checkpoint, candidate)).not.toBe(wallet.address);
    }),
  );
});

import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { SignedCheckpoint } from "../../../node/src/runtime/ports.ts";
import type { Collateral } from "../../../node/src/tee/collateral.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import type { Model } from "../../../node/src/tee/pccs.ts";
import { createPresenter } from "../../../node/src/tee/present.ts";
import { parseQuote, unverifiable } from "../../../node/src/tee/quote.ts";
import { recordingLog } from "../../support/recorders.ts";
import { type Simulator, startSimulator } from "../../support/simulator.ts";
import { admissionOf, chainOf, cluster, key, proverOf } from "./support.ts";

const collateral = { marker: "of that model" } as unknown as Collateral;
const checkpoints = [{ checkpoint: { index: 7 } }] as unknown as readonly SignedCheckpoint[];
const nonce = "5a".repeat(32);

let simulator: Simulator;
let enclave: Enclave;

beforeAll(async () => {
  simulator = await startSimulator({ instances: 1 });
  const { log } = recordingLog();
  enclave = await openEnclave({ endpoint: simulator.sockets[0], log });
});
afterAll(() => simulator.stop());

const collateralFor = vi.fn<(model: Model) => Promise<Collateral>>();
beforeEach(() => {
  collateralFor.mockReset().mockResolvedValue(collateral);
});

function presenter() {
  const prove = proverOf(enclave, chainOf(10, admissionOf(simulator)));
  const present = createPresenter({
    cluster,
    enclave,
    prove,
    collateralFor,
    ownCheckpoints: () => checkpoints,
  });
  return { prove, present };
}

/** What the quote itself says, as hex. */
function reportDataIn(quote: string): string {
  return parseQuote(Buffer.from(quote, "hex")).reportData;
}

test("without a nonce it shows the proof that peers get, with what its report data is made of", async () => {
  const { prove, present } = presenter();
  const shown = await present(null);
  const proof = await prove();
  expect(shown).toMatchObject({ ...proof, collateral, checkpoints });
  expect(shown.reportData).toBe(reportDataIn(shown.quote));
  expect(shown.reportData.slice(64)).toBe("00".repeat(32));
  const { address: wallet } = enclave.wallet;
  expect(shown.preimage).toMatchObject({ ...cluster, wallet, bootKey: key, blockNumber: "7" });
});

test("a nonce is in the second half of a fresh quote's report data, and in no later one's", async () => {
  const { present } = presenter();
  const before = await present(null);
  const shown = await present(nonce);
  expect(shown.quote).not.toBe(before.quote);
  expect(shown.reportData).toBe(reportDataIn(shown.quote));
  expect(shown.reportData).toBe(before.reportData.slice(0, 64) + nonce);
  expect((await present(null)).reportData).toBe(before.reportData);
});

test("collateral is asked for by the model that the quote names", async () => {
  await presenter().present(null);
  expect(collateralFor).toHaveBeenCalledOnce();
  expect(collateralFor.mock.calls[0]?.[0]).toMatchObject({ fmspc: expect.any(String) });
});

test("without collateral the quote is shown all the same", async () => {
  collateralFor.mockRejectedValue(unverifiable("the PCCS is away"));
  expect(await presenter().present(null)).toMatchObject({ collateral: null, checkpoints });
});

test("a defect is not taken for missing collateral", async () => {
  collateralFor.mockRejectedValue(new TypeError("no such thing"));
  await expect(presenter().present(null)).rejects.toThrow("no such thing");
});

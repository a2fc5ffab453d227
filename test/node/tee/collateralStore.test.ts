import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { readRoot } from "../../../node/src/tee/chainOfTrust.ts";
import { createCollateralStore } from "../../../node/src/tee/collateralStore.ts";
import type { Pki } from "../../../simulator/src/pki/pki.ts";
import { recordingLog } from "../../support/recorders.ts";
import { hierarchy, model, type Pccs, startPccs } from "./development.ts";
import { faultOf, temporaryDirectory } from "./support.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** For machines that have other things to do. */
const patienceMs = 60_000;
let pki: Pki;
beforeAll(async () => {
  pki = await hierarchy();
});

/** A store whose clocks are the test's: one that only grows, and the date. */
function storeAt(pccs: Pccs, directory: string, of = pki) {
  const clock = { ms: 0, dateMs: pccs.state.now.getTime() };
  const { log, lines } = recordingLog();
  const store = createCollateralStore({
    pccsUrl: pccs.url,
    root: readRoot(of.root.der),
    directory,
    graceMs: 3 * dayMs,
    refreshAfterMs: hourMs,
    fetchMsMax: patienceMs,
    log,
    clockMs: () => clock.ms,
  });
  return {
    clock,
    lines,
    usable: (asked: Parameters<typeof store.usable>[0] = model) =>
      store.usable(asked, clock.dateMs),
  };
}

const isOf = (name: string) => (path: string) => path.includes(name);

test("collateral is asked for once, for the authority that certified the platform", async () => {
  const pccs = await startPccs(pki);
  const { usable } = storeAt(pccs, temporaryDirectory());
  const [first, second] = await Promise.all([usable(), usable()]);
  expect(second.collateral).toBe(first.collateral);
  expect(pccs.state.asked.filter(isOf("/tcb?"))).toEqual([
    "/tdx/certification/v4/tcb?fmspc=00DE57AC0000",
  ]);
  expect(pccs.state.asked.filter(isOf("/pckcrl"))).toEqual([
    "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
  ]);
});

test("each model has its own", async () => {
  const pccs = await startPccs(pki);
  const { usable } = storeAt(pccs, temporaryDirectory());
  await usable();
  await usable({ ...model, authority: "processor" });
  expect(pccs.state.asked.filter(isOf("ca=processor"))).toHaveLength(1);
});

test("what is at hand is used at once when it is old, and news are there the next time", async () => {
  const pccs = await startPccs(pki);
  const { usable, clock } = storeAt(pccs, temporaryDirectory());
  const first = await usable();
  pccs.state.faults = ["out-of-date"];
  clock.ms += hourMs;
  expect((await usable()).collateral).toBe(first.collateral);
  const present = async () => (await usable()).collateral.tcbInfo;
  await expect.poll(present, { timeout: patienceMs }).toContain("OutOfDate");
});

test("while the PCCS is away, what is at hand is used to its end, and the grace period longer", async () => {
  const pccs = await startPccs(pki);
  const { usable, clock, lines } = storeAt(pccs, temporaryDirectory());
  const { checked } = await usable();
  pccs.state.faults = ["unavailable"];

  clock.ms += 30 * dayMs;
  clock.dateMs = checked.validToMs;
  expect((await usable()).atMs).toBe(checked.validToMs);

  clock.ms += 3 * dayMs;
  clock.dateMs = checked.validToMs + 3 * dayMs;
  expect((await usable()).atMs).toBe(checked.validToMs);
  expect(lines).toContainEqual(expect.objectContaining({ sentence: "old collateral is used" }));

  clock.ms += hourMs;
  clock.dateMs += 1;
  const ended = new Date(checked.validToMs).toISOString();
  expect(await faultOf(usable())).toEqual({
    code: "quote.unverifiable",
    reason: expect.stringMatching(new RegExp(`ended at ${ended}: .*status 503`)),
  });

  pccs.state.faults = [];
  pccs.state.now = new Date(clock.dateMs);
  clock.ms += hourMs;
  expect((await usable()).atMs).toBe(clock.dateMs);
});

test("a PCCS that is away is not asked for each quote", async () => {
  const pccs = await startPccs(pki);
  pccs.state.faults = ["unavailable"];
  const { usable, clock } = storeAt(pccs, temporaryDirectory());
  await faultOf(usable());
  const asked = pccs.state.asked.length;
  expect(await faultOf(usable())).toMatchObject({ code: "quote.unverifiable" });
  expect(pccs.state.asked).toHaveLength(asked);
  clock.ms += 1_000;
  await faultOf(usable());
  expect(pccs.state.asked.length).toBeGreaterThan(asked);
});

test("another process finds on disk what was fetched, once it cannot be had", async () => {
  const directory = temporaryDirectory();
  const pccs = await startPccs(pki);
  const first = await storeAt(pccs, directory).usable();
  pccs.close();
  const second = await storeAt(pccs, directory).usable();
  expect(second.collateral).toEqual(first.collateral);
});

test("a disk that was tampered with is no use, and no harm", async () => {
  const directory = temporaryDirectory();
  const pccs = await startPccs(pki);
  await storeAt(pccs, directory).usable();
  const [file = ""] = readdirSync(directory);
  const text = readFileSync(join(directory, file), "utf8");
  writeFileSync(join(directory, file), text.replace("UpToDate", "OutOfDate"));
  pccs.state.faults = ["not-found"];
  const { usable, lines } = storeAt(pccs, directory);
  expect(await faultOf(usable())).toMatchObject({ code: "quote.unverifiable" });
  expect(lines).toContainEqual(expect.objectContaining({ sentence: "kept collateral is no use" }));
  pccs.state.faults = [];
  expect((await storeAt(pccs, directory).usable()).collateral.tcbInfo).toContain("UpToDate");
});

test("what another root signed is not taken, as if the PCCS were away", async () => {
  const pccs = await startPccs(pki);
  const { usable } = storeAt(pccs, temporaryDirectory(), await hierarchy("another"));
  expect(await faultOf(usable())).toEqual({
    code: "quote.unverifiable",
    reason: expect.stringContaining("expected the configured root"),
  });
});

test("what was issued before what is at hand is not taken in its place", async () => {
  const pccs = await startPccs(pki);
  const { usable, clock } = storeAt(pccs, temporaryDirectory());
  const first = await usable();
  pccs.state.now = new Date(pccs.state.now.getTime() - 2 * hourMs);
  // A third time it is asked only once the second answer was looked at.
  const askedAgain = async () => {
    clock.ms += hourMs;
    await usable();
    return pccs.state.asked.filter(isOf("rootcacrl")).length;
  };
  await expect.poll(askedAgain, { timeout: patienceMs }).toBeGreaterThanOrEqual(3);
  expect((await usable()).collateral).toBe(first.collateral);
});

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesToHex } from "@noble/hashes/utils";
import { DstackClient } from "@phala/dstack-sdk";
import { describe, expect, test, vi } from "vitest";
import { parseCommandLine } from "../../../simulator/src/cli.ts";
import { inventedImage, parseBootLog } from "../../../simulator/src/measurement/osImage.ts";
import { running, temporaryFolder } from "../support.ts";

const digest = createHash("sha384").update("a kernel").digest("hex");
const entry = { imr: 1, event_type: 2147483651, digest, event: "", event_payload: "00ff" };

describe("a boot log", () => {
  test("is read as the guest agent writes it", () => {
    expect(parseBootLog(JSON.stringify([entry]))).toEqual([
      {
        imr: 1,
        eventType: 2147483651,
        digest: Uint8Array.from(Buffer.from(digest, "hex")),
        name: "",
        payload: Uint8Array.of(0, 255),
      },
    ]);
  });

  test.each([
    [{ ...entry, imr: 3 }, "entry 0: expected imr to be 0, 1 or 2"],
    [{ ...entry, event_type: -1 }, "entry 0: expected event_type to be a number of 32 bits"],
    [{ ...entry, digest: "" }, "entry 0: expected digest to be there"],
    [{ ...entry, digest: `${digest}00` }, "expected digest to be hex of at most 48 bytes"],
    [{ ...entry, event: null }, "entry 0: expected event to be text"],
    [{ ...entry, event_payload: "0" }, "expected event_payload to be hex of at most 65536 bytes"],
    [null, "entry 0: expected imr to be 0, 1 or 2"],
  ])("with %j is refused", (wrong, message) => {
    expect(() => parseBootLog(JSON.stringify([wrong]))).toThrow(message);
  });

  test("that is no array is refused", () => {
    expect(() => parseBootLog("{}")).toThrow("expected an array of events");
  });
});

describe("an image", () => {
  test("without another name is always this one", () => {
    const { osImageHash, mrtd } = inventedImage("simulator");
    // From Python's hashlib.
    expect(bytesToHex(osImageHash)).toBe(
      "70a5a7dca82b95947a241d8b36a5c7441aa3860088386783b0a0ed1a2da8ebd7",
    );
    expect(bytesToHex(mrtd)).toBe(
      "81d28d8477894cc49e6a3dd68f9fbb4e4bacdaf6b0d67507aebfd53228c1f8d1" +
        "47277a58fa0b0099476ec71f79b393a6",
    );
  });

  test("decides what quote, log, Info and configuration say alike", async () => {
    const folder = await temporaryFolder();
    const [bootLog, mrtd, hash] = [join(folder, "log.json"), "ab".repeat(48), "cd".repeat(32)];
    await writeFile(bootLog, JSON.stringify([entry, { ...entry, imr: 0 }]));
    const args = ["--boot-log", bootLog, "--mrtd", mrtd, "--os-image-hash", hash];
    const { image } = parseCommandLine([...args, "--os-image", "own"]);
    const simulator = await running({ image, eventLog: "full" });
    const client = new DstackClient(simulator.socket);
    const [info, answer] = [await client.info(), await client.getQuote("hello")];
    const quoted = [184, 376, 424, 472, 520].map((at) => answer.quote.slice(2 * at, 2 * at + 96));
    const { tcb_info } = info;

    expect(quoted).toEqual([mrtd, ...answer.replayRtmrs()]);
    const { rtmr0, rtmr1, rtmr2, rtmr3 } = tcb_info;
    expect(quoted).toEqual([tcb_info.mrtd, rtmr0, rtmr1, rtmr2, rtmr3]);
    expect(simulator.identity.measurements).toEqual({
      osImageHash: hash,
      mrtd,
      rtmr0,
      rtmr1,
      rtmr2,
    });
    expect(rtmr2).toBe("00".repeat(48));
    expect([info.os_image_hash, tcb_info.os_image_hash]).toEqual([hash, hash]);
    const configuration = { os_image_hash: hash, image: "dstack-cluster-own" };
    expect(JSON.parse(info.vm_config ?? "")).toMatchObject(configuration);
    expect(answer.vm_config).toBe(info.vm_config);
    const measured = tcb_info.event_log.find(({ event }) => event === "os-image-hash");
    expect(measured?.event_payload).toBe(hash);
  });

  test("with a boot log that is refused is no start", () => {
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const args = ["--boot-log", import.meta.filename];
    expect(() => parseCommandLine(args)).toThrow("Expected a file with the events of registers");
    vi.restoreAllMocks();
  });
});

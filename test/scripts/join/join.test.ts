/** `npm run join` and `npm run leave` as a person runs them. */
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { layoutOf } from "../../../scripts/cluster/layout.ts";
import { nodePortsOf } from "../../../scripts/cluster/ports.ts";
import { readRecord } from "../../../scripts/cluster/record.ts";
import {
  freePlace,
  increment,
  launchScript,
  listenOn,
  type Place,
  prints,
  recordedProcesses,
  runScript,
  startArgs,
  stillRunning,
} from "../start/command.ts";

const timeoutMs = 120_000;
/** A node leaves once the others' logs have gone on: by a mark at the latest, where nobody writes. */
const soonMarked = { CHECKPOINT_MS: "200" };

const numbers = ({ dataDir }: Place) =>
  readRecord(layoutOf(dataDir).record)?.nodes.map(({ number }) => number);

test(
  "a cluster of one grows to three, and the first ones leave",
  async () => {
    const place = await freePlace();
    const at = ["--data-dir", place.dataDir];
    const url = (number: number) => `http://127.0.0.1:${place.basePort + number - 1}`;
    await runScript("start", startArgs(place, "--nodes", "1", "--detach"), soonMarked);
    expect(await increment(url(1))).toBe(1);

    const second = launchScript("join", at);
    await prints(second, "node2 ");
    const tooSoon = await runScript("leave", [...at, "1"]);
    expect(tooSoon).toMatchObject({ code: 1 });
    expect(tooSoon.output).toContain("one change at a time: node2 joins now");
    expect(await second.exited).toBe(0);
    for (const step of ["guest agent at", "funded, a token minted", "started at", "pending"]) {
      expect(second.output()).toMatch(new RegExp(`node2 +(wallet 0x[0-9a-f]{40} )?${step}`));
    }
    expect(second.output()).toMatch(/node2 +admitted in term \d+: member 2 of 2, quorum 2\n$/);
    expect(await increment(url(2))).toBe(2);

    const third = await runScript("join", at);
    expect(third.output).toMatch(/node3 +admitted in term \d+: member 3 of 3, quorum 2\n$/);
    for (const [number, left] of [
      ["1", "2 members now, quorum 2"],
      ["node2", "1 member now, quorum 1"],
    ] as const) {
      const { code, output } = await runScript("leave", [...at, number]);
      expect(output).toMatch(/departing: .*\n.*removed in term \d+\n.*process ended; /s);
      expect(output).toContain(`left: ${left}`);
      expect(code).toBe(0);
    }
    expect(await increment(url(3))).toBe(3);
    expect(numbers(place)).toEqual([3]);
    expect(stillRunning(recordedProcesses(place))).toEqual([
      "chain",
      "simulator",
      "agent3",
      "node3",
    ]);
  },
  timeoutMs,
);

test(
  "what cannot leave is named, with who can",
  async () => {
    const place = await freePlace();
    const at = ["--data-dir", place.dataDir];
    await runScript("start", startArgs(place, "--nodes", "2", "--detach"), soonMarked);
    const refused = async (...args: readonly string[]) => {
      const { code, output } = await runScript("leave", [...at, ...args]);
      expect(code).toBe(1);
      return output;
    };
    expect(await refused("3")).toContain("node3 is unknown; expected one of node1, node2");
    expect((await runScript("leave", [...at, "2"])).code).toBe(0);
    expect(await refused("2")).toContain("node2 has left, or never came in; expected one of node1");
    expect(await refused("1")).toContain("node1 is the last member that stays");
    expect(numbers(place)).toEqual([1]);
  },
  timeoutMs,
);

test(
  "a node that cannot run is given up, and its number with it",
  async () => {
    const place = await freePlace();
    const at = ["--data-dir", place.dataDir];
    await runScript("start", startArgs(place, "--nodes", "1", "--detach"), soonMarked);
    const peerPort = nodePortsOf(place.basePort, 2).peer;
    const closePort = await listenOn(peerPort);
    const crowded = await runScript("join", at);
    expect(crowded.output).toContain(`port is in use: ${peerPort} (node2, peers)`);
    expect(crowded.code).toBe(1);
    await closePort();

    await writeFile(layoutOf(place.dataDir).nodeDir("node2"), "no directory");
    const crippled = await runScript("join", at);
    expect(crippled.output).toContain("node2 ended with exit code 1");
    expect(crippled.output).toMatch(/node2 +did not come in, and is given up/);
    expect(crippled.code).toBe(1);
    expect(numbers(place)).toEqual([1]);
    expect(stillRunning(recordedProcesses(place))).toEqual(["chain", "simulator", "node1"]);

    expect((await runScript("join", at)).code).toBe(0);
    expect(numbers(place)).toEqual([1, 3]);
  },
  timeoutMs,
);

test.for([
  ["join", ["--timeout", "0"], "Expected a whole number from 1"],
  ["join", ["4"], "too many arguments"],
  ["leave", [], "missing required argument 'node'"],
  ["leave", ["0"], "Expected the number of a node, from 1 to 99"],
  ["leave", ["two"], "Expected the number of a node"],
] as const)("%s %j is refused with exit code 2", async ([name, args, expected]) => {
  const { code, output } = await runScript(name, args);
  expect(output).toContain(expected);
  expect(code).toBe(2);
});

test("where nothing runs, the way to start something is named", async () => {
  const { dataDir } = await freePlace();
  const { code, output } = await runScript("join", ["--data-dir", dataDir]);
  expect(output).toContain(`\`npm start -- --data-dir ${dataDir}\``);
  expect(code).toBe(1);
});

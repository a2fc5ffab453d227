/** What the starter does when it is asked for a fault, on a cluster that only notes what it is told. */
import { expect, test } from "vitest";
import {
  createFaults,
  type Faults,
  type NetworkFaults,
} from "../../../scripts/cluster/control/faults.ts";
import { urlOf } from "../fault/sights.ts";

type Struck = Parameters<typeof createFaults>[0];
type Place = {
  readonly faults: Faults;
  /** What was done to it, in order. */
  readonly done: readonly string[];
  readonly reported: readonly string[];
};

/** node2 has left; node3 is down. */
function place(networkFaults: NetworkFaults | null = null): Place {
  const done: string[] = [];
  const reported: string[] = [];
  const noting =
    (what: string) =>
    async (...details: readonly (string | number)[]) =>
      void done.push([what, ...details].join(" "));
  const pids = [11, null, null, 14];
  const cluster: Struck = {
    nodes: pids.map((pid, position) => ({
      name: `node${position + 1}`,
      url: urlOf(position + 1),
      logFile: "",
      dataDir: "",
      pid: () => pid,
    })),
    positions: () => [0, 2, 3],
    kill: noting("signal"),
    restart: noting("restart"),
    stopChain: noting("stop chain"),
    startChain: noting("start chain"),
    signalAgents: noting("signal agents"),
    startAgents: noting("start agents"),
  };
  const report = (line: string) => void reported.push(line);
  return { faults: createFaults(cluster, { networkFaults, report }), done, reported };
}

test.for([
  ["kill", 1, "signal 0 SIGKILL", "node1 killed"],
  ["pause", 4, "signal 3 SIGSTOP", "node4 paused"],
  ["resume", 4, "signal 3 SIGCONT", "node4 resumed"],
  ["start", 3, "restart 2", "node3 started"],
] as const)("%s %i", async ([act, number, wanted, said]) => {
  const { faults, done, reported } = place();
  expect(await faults.carryOut({ kind: "node-fault", act, number })).toBe(said);
  expect(done).toEqual([wanted]);
  expect(reported).toEqual([`fault      ${said}`]);
});

test.for([
  ["stop-chain", "stop chain"],
  ["start-chain", "start chain"],
  ["stop-agents", "signal agents SIGKILL"],
  ["start-agents", "start agents"],
] as const)("%s", async ([act, wanted]) => {
  const { faults, done } = place();
  await faults.carryOut({ kind: "part-fault", act });
  expect(done).toEqual([wanted]);
});

test.for([
  ["kill", 2, "node2 is unknown; expected one of node1, node3, node4"],
  ["kill", 5, "node5 is unknown; expected one of"],
  ["pause", 3, "node3 does not run"],
  ["start", 1, "node1 runs already"],
] as const)("%s %i is refused", async ([act, number, reason]) => {
  const { faults, done, reported } = place();
  await expect(faults.carryOut({ kind: "node-fault", act, number })).rejects.toThrow(reason);
  expect([...done, ...reported]).toEqual([]);
});

test("the network is cut and mended by what is in the path", async () => {
  const cuts: unknown[] = [];
  const { faults } = place({
    partition: (numbers) => void cuts.push(numbers),
    mend: () => void cuts.push("mended"),
  });
  await faults.carryOut({ kind: "partition", numbers: [1, 3] });
  await faults.carryOut({ kind: "part-fault", act: "mend-network" });
  expect(cuts).toEqual([[1, 3], "mended"]);
  await expect(faults.carryOut({ kind: "partition", numbers: [2] })).rejects.toThrow("node2 is");
});

test("without anything in the path, a partition names the start that puts it there", async () => {
  const { faults } = place();
  await expect(faults.carryOut({ kind: "partition", numbers: [1] })).rejects.toThrow(
    "start it by `npm start -- --faults`",
  );
  await faults.carryOut({ kind: "part-fault", act: "mend-network" });
});

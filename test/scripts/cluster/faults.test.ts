/** What the starter does when it is asked for a fault, on a cluster that only notes what it is told. */
import { expect, test } from "vitest";
import {
  clonedMark,
  createFaults,
  type Faults,
  type Levers,
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
function place(levers: Levers | null = null): Place {
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
  const running = new Set<string>();
  const supervisor = {
    async start({ name }: { readonly name: string }) {
      running.add(name);
      done.push(`start ${name}`);
    },
    signal(name: string, signal: string) {
      running.delete(name);
      done.push(`${signal} ${name}`);
    },
    ended: async () => undefined,
    isRunning: (name: string) => running.has(name),
  };
  return { faults: createFaults(cluster, { levers, supervisor, report }), done, reported };
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

function notingLevers(pulled: unknown[]): Levers {
  return {
    async pull(request) {
      pulled.push(request);
      return "pulled";
    },
    letGo: async () => void pulled.push("let go"),
    marksOn: (number) => (number === 4 ? [{ text: "clock +1h", hampers: false }] : []),
    clone: () => ({ program: "node", args: [], env: {}, logFile: "" }),
  };
}

test("levers are pulled and let go, on nodes that are there", async () => {
  const pulled: unknown[] = [];
  const { faults } = place(notingLevers(pulled));
  const partition = { kind: "partition", numbers: [1, 3], oneWay: false } as const;
  expect(await faults.carryOut(partition)).toBe("pulled");
  await faults.carryOut({ kind: "part-fault", act: "let-go" });
  expect(pulled).toEqual([partition, "let go"]);
  await expect(faults.carryOut({ ...partition, numbers: [2] })).rejects.toThrow("node2 is");
  expect(faults.notes()).toEqual([{ number: 4, text: "clock +1h", hampers: false }]);
});

test.for([
  { kind: "partition", numbers: [1], oneWay: false },
  { kind: "clock", numbers: [1], offMs: 1 },
  { kind: "node-fault", act: "clone", number: 1 },
] as const)("without levers, %j names the start that makes them", async (request) => {
  const { faults } = place();
  await expect(faults.carryOut(request)).rejects.toThrow("start it by `npm start -- --faults`");
  await faults.carryOut({ kind: "part-fault", act: "let-go" });
});

test("a clone is started once, shown beside its node, and ended", async () => {
  const { faults, done } = place(notingLevers([]));
  const clone = { kind: "node-fault", act: "clone", number: 1 } as const;
  await faults.carryOut(clone);
  expect(faults.notes()).toContainEqual({ number: 1, ...clonedMark });
  await expect(faults.carryOut(clone)).rejects.toThrow("node1-clone runs already");
  const end = { ...clone, act: "end-clone" } as const;
  expect(await faults.carryOut(end)).toBe("node1-clone ended");
  expect(await faults.carryOut(end)).toBe("node1-clone has ended by itself");
  expect(done).toEqual(["start node1-clone", "SIGKILL node1-clone"]);
});

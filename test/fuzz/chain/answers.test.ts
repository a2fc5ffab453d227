/**
 * An RPC endpoint that answers whatever it likes: in place of JSON, in place of JSON-RPC, in place of
 * the contract's own words. The node learns of it by a ChainError, and in time.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClusterChain } from "../../../node/src/chain/chain.ts";
import { ChainError } from "../../../node/src/chain/errors.ts";
import { bootKey, term } from "../../../node/src/consensus/ids.ts";
import { bootKeyOf, startWorld, type World } from "../../node/chain/nodes.ts";
import { type RpcCall, type RpcProxy, startRpcProxy, type Tamper } from "../../support/rpcProxy.ts";
import { type Change, change, changes, type Harm, harm, harms } from "../support/harm.ts";
import { runs, withinMs } from "../support/runs.ts";

const callTimeoutMs = 150;
const minedTimeoutMs = 200;
/** Each call of the contract takes a few of the endpoint's, one after the other. */
const patienceMs = 10_000;
const detailCharactersMax = 2_000;

let world: World;
let proxy: RpcProxy;
let chain: ClusterChain;
/** The endpoint's honest answers, by what was asked. */
const honest = new Map<string, string>();
/** What each call asks the endpoint. */
const questions = new Map<string, readonly string[]>();

beforeAll(async () => {
  world = await startWorld({ nodes: 1, genesisSize: 1 });
  await world.register(0);
  proxy = await startRpcProxy(world.anvil.url);
  proxy.tamper(async (call, answer) => {
    const text = await answer();
    honest.set(nameOf(call), text);
    return text;
  });
  chain = await world.chain(0, { rpcUrls: [proxy.url], callTimeoutMs, minedTimeoutMs });
  for (const [name, ask] of Object.entries(asks)) {
    const before = proxy.calls.length;
    await ask(chain);
    questions.set(name, [...new Set(proxy.calls.slice(before).map(nameOf))]);
  }
  questions.set("open", [...new Set(proxy.calls.map(nameOf))]);
});
afterAll(async () => {
  await proxy?.stop();
  await world?.stop();
});

/** Calls of one function of the contract are alike, whatever its parameters. */
function nameOf({ method, params }: RpcCall): string {
  const [first] = params as readonly [{ readonly data?: string } | undefined];
  return `${method} ${first?.data?.slice(0, 10) ?? ""}`;
}

const asks = {
  read: (from: ClusterChain) => from.read(),
  standing: (from: ClusterChain) => from.standing(),
  head: (from: ClusterChain) => from.head(),
  blockAt: (from: ClusterChain) => from.blockAt(1n),
  readAdmission: (from: ClusterChain) =>
    from.readAdmission({
      composeHash: "ab".repeat(32),
      deviceId: "cd".repeat(32),
      osImageHash: "ef".repeat(32),
    }),
  announceBoot: (from: ClusterChain) => from.announceBoot(bootKeyOf(0), `0x${"9a".repeat(32)}`),
  refused: (from: ClusterChain) =>
    from.castVote({ term: term(9), successorSlot: 3, noConfidence: true }).catch(expectChainError),
} as const;
type Ask = keyof typeof asks;
const names = Object.keys(asks) as readonly Ask[];

/** What becomes of one answer. */
type Lie =
  | { readonly kind: "honest" | "silent" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "harmed"; readonly harms: readonly Harm[] }
  | { readonly kind: "changed"; readonly changes: readonly Change[] }
  | { readonly kind: "words"; readonly harms: readonly Harm[] }
  | { readonly kind: "error"; readonly error: unknown };

const oddErrors = fc.oneof(
  fc.record({
    code: fc.constantFrom(3, -32_000, 0, 1e300),
    message: fc.oneof(fc.string(), fc.constantFrom("execution reverted", "x".repeat(5_000))),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`),
      // Error(string), StaleTerm and Panic of the wrong lengths; and a long one.
      fc.constantFrom("0x", "0x08c379a0", `0x08c379a0${"f".repeat(128)}`, "0x4e487b71", "zz"),
      fc.constant(`0x${"ab".repeat(5_000)}`),
      fc.constant(
        `0x08c379a0${"20".padStart(64, "0")}${"1770".padStart(64, "0")}${"61".repeat(0x1770)}`,
      ),
      fc.constantFrom<unknown>(null, { data: "0x1234" }, { data: { data: 1 } }, []),
    ),
  }),
  fc.jsonValue(),
);
/** As numbers travel, though few that fit what they are meant for. */
const quantities = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 2n ** 70n }).map((value) => `0x${value.toString(16)}`),
    fc.integer({ min: 1, max: 300 }).map((digits) => `0x${"f".repeat(digits)}`),
    fc.constantFrom("0x", "0x-1", "0X0", "0x00000000000000000000000000000001", "0x1.8", "1"),
  )
  .map((word) => `{"jsonrpc":"2.0","id":1,"result":"${word}"}`);

const lies: fc.Arbitrary<Lie> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Lie>({ kind: "honest" }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("changed"),
      changes: fc.array(changes, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("words"),
      harms: fc.array(harms, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("harmed"),
      harms: fc.array(harms, { minLength: 1, maxLength: 2 }),
    }),
  },
  { weight: 3, arbitrary: quantities.map((text) => ({ kind: "text", text }) as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("error"), error: oddErrors }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("text"),
      text: fc.oneof(
        fc.string({ unit: "binary", maxLength: 100 }),
        fc.constantFrom(
          "",
          "null",
          "[]",
          "{}",
          "0",
          "<html>",
          "[".repeat(5_000),
          '{"result":null}',
        ),
        fc.json().map((value) => `{"jsonrpc":"2.0","id":1,"result":${value}}`),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Lie>({ kind: "silent" }) },
);

function answerOf(lie: Lie, truth: string): string | null {
  switch (lie.kind) {
    case "honest":
      return truth;
    case "silent":
      return null;
    case "text":
      return lie.text;
    case "harmed":
      return Buffer.from(lie.harms.reduce(harm, new Uint8Array(Buffer.from(truth)))).toString(
        "latin1",
      );
    case "changed":
      return JSON.stringify(lie.changes.reduce(change, JSON.parse(truth)));
    case "error":
      return JSON.stringify({ jsonrpc: "2.0", id: 1, error: lie.error });
    case "words":
      return JSON.stringify(inWords(JSON.parse(truth), lie.harms));
    default:
      return lie satisfies never;
  }
}

/** Harm to what a call returned: the contract's own encoding. */
function inWords(answer: { readonly result?: unknown }, each: readonly Harm[]): unknown {
  const { result } = answer;
  if (typeof result !== "string" || !/^0x([0-9a-f]{2})*$/.test(result)) return answer;
  const bytes = each.reduce(harm, new Uint8Array(Buffer.from(result.slice(2), "hex")));
  return { ...answer, result: `0x${Buffer.from(bytes).toString("hex")}` };
}

/** One lie an answer, round and round; or always the first, about one question alone. */
type Plan = { readonly told: readonly Lie[]; readonly about: number | null };

const plans: fc.Arbitrary<Plan> = fc.record({
  told: fc.array(lies, { minLength: 1, maxLength: 8 }),
  about: fc.option(fc.nat()),
});

function lying(name: string, { told, about }: Plan): Tamper {
  const asked = questions.get(name) ?? [];
  const only = about === null ? null : (asked[about % asked.length] ?? null);
  let turn = 0;
  return async (call) => {
    const question = nameOf(call);
    const truth = honest.get(question) ?? "null";
    if (only !== null && question !== only) return truth;
    const lie = told[turn % told.length] ?? { kind: "honest" };
    turn += only === null ? 1 : 0;
    return answerOf(lie, truth);
  };
}

function expectChainError(error: unknown): void {
  if (!(error instanceof ChainError)) throw error;
  expect(error.message.length).toBeLessThanOrEqual(detailCharactersMax);
  expect(JSON.stringify(error.fault).length).toBeLessThanOrEqual(detailCharactersMax);
}

test(
  "whatever an endpoint answers, a call gives a plausible answer or a ChainError, in time",
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.constantFrom(...names), async (plan, name) => {
        proxy.tamper(lying(name, plan));
        const asked: Promise<unknown> = asks[name](chain);
        const answer = await withinPatience(asked.catch(expectChainError));
        if (name === "read") expectPlausible(answer as Awaited<ReturnType<ClusterChain["read"]>>);
      }),
      runs(200),
    );
  },
  withinMs(120_000),
);

test(
  "a start waits for a chain that makes sense, or says which contract is wrong",
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        proxy.tamper(lying("open", plan));
        const giveUp = new AbortController();
        const gaveUp = new Error("given up");
        const opening = world.chain(0, {
          rpcUrls: [proxy.url],
          callTimeoutMs: 50,
          signal: giveUp.signal,
          onWaiting: (reason) => {
            expect(reason.length).toBeLessThanOrEqual(detailCharactersMax);
            giveUp.abort(gaveUp);
          },
        });
        await withinPatience(
          opening.catch((error: unknown) => {
            if (error !== gaveUp) expectChainError(error);
          }),
        );
      }),
      runs(60),
    );
  },
  withinMs(60_000),
);

function expectPlausible(view: Awaited<ReturnType<ClusterChain["read"]>> | undefined): void {
  if (view === undefined) return;
  const { term: number, coldTerm, roster, leader } = view.view;
  expect([number, coldTerm].every(Number.isSafeInteger)).toBe(true);
  if (number > 0) expect(roster.members.map(({ id }) => id)).toContain(leader);
  expect(Number.isFinite(view.block.timestampMs)).toBe(true);
  for (const member of [...view.members, ...view.pending]) {
    expect(member.id).toMatch(/^0x[0-9a-f]{40}$/);
    expect(bootKey(member.bootKey)).toMatch(/^[0-9a-f]{64}$/);
  }
}

async function withinPatience<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no end in ${patienceMs} ms`)), patienceMs);
  return await Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}

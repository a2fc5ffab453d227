/** How a member serves a client's call: itself when it leads, else through its leader. */
import { counter } from "../../node/src/application/counter/counter.ts";
import { encodeIncrement } from "../../node/src/application/envelope.ts";
import type { CallAnswer } from "./calls.ts";
import type { Answer, Submit } from "./client.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

type Call = Parameters<Submit>[0];
const clientSite = -1;

export function submitTo(world: World): Submit {
  return (call) => {
    const { network, hosts, random } = world;
    const processes = hosts[call.site]?.processes ?? [];
    if (processes.length === 0) return;
    // Hosts route clients as they like: to any process of the member.
    const process = random.pick(processes);
    const reply = (answer: Answer) =>
      network.carryOnce({ from: call.site, to: clientSite, key: `${process.name}>client` }, () =>
        call.reply(answer),
      );
    network.carryOnce({ from: clientSite, to: call.site, key: `client>${process.name}` }, () => {
      if (process.alive() && !process.paused()) serve(world, process, { ...call, reply });
    });
  };
}

/** Clients ask members, as the contract lists them; some know it from before, as faults last. */
export function sitesToAsk({ hosts, calm, chain }: World): readonly number[] {
  const { roster } = chain.head();
  const open = hosts.filter(({ purpose, processes, member }) =>
    calm.now
      ? purpose !== "gone" && roster.members.some(({ id }) => id === member)
      : purpose === "serving" || purpose === "leaving" || processes.length > 0,
  );
  return (open.length > 0 ? open : hosts).map(({ site }) => site);
}

function serve(world: World, process: Process, call: Call): void {
  const answer = (given: CallAnswer) => finish(process, call, given);
  if (process.replica().office?.stage === "active") {
    ask(process, call, answer);
    return;
  }
  const leader = leaderOf(world, process);
  if (leader === null) {
    call.reply({ kind: "declined" });
    return;
  }
  const { network } = world;
  const there = { from: process.site, to: leader.site, key: `${process.name}>${leader.name}` };
  const back = { from: leader.site, to: process.site, key: `${leader.name}>${process.name}` };
  network.carryOnce(there, () => {
    if (!leader.alive()) return;
    ask(leader, call, (given) => network.carryOnce(back, () => process.alive() && answer(given)));
  });
}

function leaderOf({ processOf }: World, process: Process): Process | null {
  const { following } = process.replica();
  if (following === null || !following.active) return null;
  return processOf.get(following.leader.bootKey) ?? null;
}

function ask(leader: Process, call: Call, answer: (given: CallAnswer) => void): void {
  const ticket = leader.calls.open(answer);
  if (call.operation.kind === "read") {
    leader.input({ kind: "read", tickets: [ticket] });
    return;
  }
  const payload = encodeIncrement(call.operation.by, call.key);
  leader.input({ kind: "propose", wallMs: 0, commands: [{ ticket, payload }] });
}

/** A read is answered from the asked member's own state, once it has applied far enough. */
function finish(process: Process, call: Call, given: CallAnswer): void {
  switch (given.kind) {
    case "declined":
      call.reply({ kind: "declined" });
      return;
    case "applied":
      call.reply({ ...given, kind: "value" });
      return;
    case "readable":
      process.calls.whenApplied(given.index, () => {
        const value = counter.query(process.applied.machine().states.counter, "value");
        call.reply({ kind: "value", value, index: given.index, term: given.term });
      });
      return;
    default:
      given satisfies never;
  }
}

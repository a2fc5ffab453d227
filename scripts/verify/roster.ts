/** Whether a member sees the cluster as the contract has it: by what it says of itself and others. */
import type { MemberRecord } from "../../node/src/runtime/ports.ts";
import { check } from "../../node/src/tee/check.ts";
import type { ClusterOnChain } from "./contract.ts";
import { type Finding, failed, findingOf, skipped } from "./finding.ts";
import type { Asked, MembersAnswer, StatusAnswer } from "./node.ts";

export type Said = {
  readonly status: Asked<StatusAnswer>;
  readonly members: Asked<MembersAnswer>;
};

export function rosterFindings(
  member: MemberRecord,
  said: Said,
  cluster: ClusterOnChain,
): readonly Finding[] {
  return [standing(member), ...statusFindings(said.status, cluster), listed(said.members, cluster)];
}

function standing({ revoked, departing }: MemberRecord): Finding {
  const actual = revoked ? "revoked by the owner" : departing ? "a member, leaving" : "a member";
  return findingOf("roster", { name: "standing", ok: !revoked, expected: "a member", actual });
}

function statusFindings(
  status: Asked<StatusAnswer>,
  { chainId, contract, view, members }: ClusterOnChain,
): readonly Finding[] {
  if (status.kind === "none") {
    const { reason } = status;
    return [
      failed("roster", "cluster", { expected: "an answer", actual: reason }),
      ...["term", "leader"].map((name) => skipped("roster", name, reason)),
    ];
  }
  const { chain, term, leader } = status.value;
  const expected = members.find(({ id }) => id === view.leader);
  return [
    check(
      "cluster",
      `contract ${contract} on chain ${chainId}`,
      `contract ${chain.contract.toLowerCase()} on chain ${chain.id}`,
    ),
    check("term", `${view.term}`, `${term}`),
    check(
      "leader",
      expected === undefined ? "none" : leaderText(expected.slot, expected.id),
      leader === null ? "none known" : leaderText(leader.slot, leader.wallet),
    ),
  ].map((one) => findingOf("roster", one));
}

const leaderText = (slot: number, wallet: string): string => `slot ${slot}, ${wallet}`;

function listed(answer: Asked<MembersAnswer>, { members }: ClusterOnChain): Finding {
  const name = "members";
  if (answer.kind === "none") {
    return failed("roster", name, { expected: "an answer", actual: answer.reason });
  }
  const rows = answer.value.filter(({ role }) => role !== "pending");
  const expected = members.map(({ slot, tokenId, id, instanceId, endpoint }) =>
    rowText({ slot, tokenId: tokenId.toString(), wallet: id, instanceId, endpoint }),
  );
  const actual = rows.map(rowText);
  const differing =
    expected.length === actual.length ? expected.findIndex((row, at) => row !== actual[at]) : -1;
  if (differing >= 0) {
    const found = { expected: expected[differing] ?? "", actual: actual[differing] ?? "" };
    return failed("roster", name, found);
  }
  return findingOf("roster", check(name, countText(expected), countText(actual)));
}

function countText(rows: readonly string[]): string {
  return `${rows.length} in slots ${rows.map((row) => /^slot (\d+)/.exec(row)?.[1]).join(", ")}`;
}

type Row = Omit<MembersAnswer[number], "bootKey" | "role">;

function rowText({ slot, tokenId, wallet, instanceId, endpoint }: Row): string {
  return `slot ${slot}, token ${tokenId}, ${wallet}, instance ${instanceId}, ${endpoint}`;
}

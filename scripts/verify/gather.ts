/** Asks every member that the contract lists, at the endpoint that the contract lists. */
import { randomBytes } from "node:crypto";
import type { MemberRecord } from "../../node/src/runtime/ports.ts";
import type { ClusterOnChain } from "./contract.ts";
import {
  type Asked,
  type AttestationAnswer,
  ask,
  attestationSchema,
  type MembersAnswer,
  membersSchema,
  type StatusAnswer,
  statusSchema,
} from "./node.ts";

export type Subject = {
  readonly member: MemberRecord;
  /** Where it was asked. */
  readonly endpoint: string;
  /** Drawn for this question alone: 32 bytes, hex. */
  readonly nonce: string;
  readonly attestation: Asked<AttestationAnswer>;
  readonly status: Asked<StatusAnswer>;
  readonly members: Asked<MembersAnswer>;
};

/** The answer at a URL that the contract does not list, and whose it claims to be. */
export type Elsewhere =
  | { readonly kind: "member"; readonly subject: Subject }
  | { readonly kind: "nobody"; readonly reason: string };

export type Gathered = {
  readonly subjects: readonly Subject[];
  /** null: the node that was given is one of the subjects, or none was given. */
  readonly elsewhere: Elsewhere | null;
};

export async function gather(
  { members }: ClusterOnChain,
  { nodeUrl, timeoutMs }: { readonly nodeUrl: string | null; readonly timeoutMs: number },
): Promise<Gathered> {
  const isListed = members.some(({ endpoint }) => originOf(endpoint) === originOf(nodeUrl));
  const [subjects, elsewhere] = await Promise.all([
    Promise.all(
      members.map(async (member) => {
        const { endpoint } = member;
        return { member, endpoint, ...(await askAll(endpoint, timeoutMs)) };
      }),
    ),
    nodeUrl === null || isListed ? null : askElsewhere(members, nodeUrl, timeoutMs),
  ]);
  return { subjects, elsewhere };
}

async function askElsewhere(
  members: readonly MemberRecord[],
  endpoint: string,
  timeoutMs: number,
): Promise<Elsewhere> {
  const answers = await askAll(endpoint, timeoutMs);
  const { attestation } = answers;
  if (attestation.kind === "none") return { kind: "nobody", reason: attestation.reason };
  const { wallet } = attestation.value;
  const member = members.find(({ id }) => id === wallet);
  if (member !== undefined) return { kind: "member", subject: { member, endpoint, ...answers } };
  return { kind: "nobody", reason: `it answers for ${wallet}, whom the contract does not list` };
}

async function askAll(
  endpoint: string,
  timeoutMs: number,
): Promise<Omit<Subject, "member" | "endpoint">> {
  const nonce = randomBytes(32).toString("hex");
  const at = (path: string) => ({ origin: endpoint, path, timeoutMs });
  const [attestation, status, listed] = await Promise.all([
    ask(attestationSchema, at(`/attestation?nonce=${nonce}`)),
    ask(statusSchema, at("/status")),
    ask(membersSchema, at("/members")),
  ]);
  return { nonce, attestation, status, members: listed };
}

function originOf(url: string | null): string | null {
  return url === null ? null : (URL.parse(url)?.origin ?? null);
}

/** What the members vouch for: Checkpoints.sol. */
import type { Certificate, Checkpoint } from "../../../node/src/consensus/checkpoint.ts";
import type { MemberId } from "../../../node/src/consensus/ids.ts";
import type { Call, Ledger } from "./ledger.ts";
import { holdsCertificate } from "./terms.ts";

/** Stands for the EIP-712 signature: nobody else's code makes one in a member's name. */
export function signCheckpoint(member: MemberId, checkpoint: Checkpoint): string {
  const { coldTerm, index, logRoot, stateHash } = checkpoint;
  return `${member} vouches for ${coldTerm} ${index} ${logRoot} ${stateHash}`;
}

export function anchor(certificate: Certificate): Call {
  return (before) => {
    const { checkpoint } = certificate;
    if (!verifies(before, certificate)) return null;
    if (checkpoint.index <= (before.anchor?.index ?? 0)) return null;
    const { coldTerm, index, logRoot } = checkpoint;
    return { ...before, anchor: { coldTerm, index, logRoot } };
  };
}

/** Whether the contract takes the certificate, by what it knows itself. */
export function verifies(ledger: Ledger, { checkpoint, signatures }: Certificate): boolean {
  if (ledger.term === 0 || checkpoint.coldTerm !== ledger.coldTerm) return false;
  return holdsCertificate(ledger, signatures, (member) => signCheckpoint(member, checkpoint));
}

/** The far side of `verifierProcess.ts`: answers questions one after the other, and ends with it. */
import { fileURLToPath } from "node:url";
import {
  type SignatureAnswer,
  type SignatureQuestion,
  verifySignatures,
} from "./quoteSignatures.ts";

export type Asked = { readonly id: number; readonly question: SignatureQuestion };
export type Answered = { readonly id: number; readonly answer: SignatureAnswer | null };

/** This file, whatever its ending where it is installed. */
export const program = fileURLToPath(import.meta.url);
/** Given to the process that is meant: whoever imports this file is another one. */
export const role = "verify-signatures";

if (process.argv[2] === role) {
  process.on("message", ({ id, question }: Asked) => {
    void verifySignatures(question)
      .catch(() => null)
      .then((answer) => process.send?.({ id, answer } satisfies Answered));
  });
}

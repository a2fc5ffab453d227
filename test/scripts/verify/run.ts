/** `npm run verify` without a process of its own, and the JSON that it prints. */
import { main } from "../../../scripts/verify/main.ts";

export type Ended = { readonly code: number; readonly output: string; readonly complaint: string };

export type Finding = {
  readonly group: string;
  readonly check: string;
  readonly result: string;
  readonly expected: string;
  readonly actual: string;
};
export type Member = {
  readonly wallet: string;
  readonly endpoint: string;
  readonly passes: boolean;
  readonly findings: readonly Finding[];
};
export type Document = {
  readonly verified: boolean;
  readonly contract: { readonly address: string; readonly pinned: boolean };
  readonly members: readonly Member[];
  readonly given: Member | null;
  readonly commonCheckpoint: { readonly index: number } | null;
};

export async function run(...args: readonly string[]): Promise<Ended> {
  let [output, complaint] = ["", ""];
  const code = await main(args, {
    say: (text) => {
      output += text;
    },
    complain: (text) => {
      complaint += text;
    },
  });
  return { code, output, complaint };
}

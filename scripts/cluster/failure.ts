/** What stops a cluster from starting, as a sentence that a person can act on. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** Why a change of the members was refused or is not done, likewise. */
export class ChangeError extends Error {
  override readonly name: string = "ChangeError";
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

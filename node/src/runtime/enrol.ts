/** Getting this wallet into the contract, and saying so when someone else has to act first. */
import { setTimeout as pause } from "node:timers/promises";
import type { BootKey } from "../consensus/ids.ts";
import type { Chain, Log, Registration } from "./ports.ts";
import { retry } from "./retry.ts";

export type EnrolOptions = {
  readonly chain: Pick<Chain, "standing" | "register" | "announceBoot">;
  readonly bootKey: BootKey;
  /** The token to register with; null: whichever the contract finds for this wallet. */
  readonly tokenId: bigint | null;
  readonly registration: () => Promise<Registration>;
  readonly onWaiting: (what: string | null) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
};

const pollMs = 1_000;

/**
 * Resolves once the contract lists this wallet.
 *
 * @returns `this-boot` when the boot key it lists was registered by this very process: that boot
 *   never forgot anything; `earlier-boot` when this process is a restart.
 */
export async function enrol(options: EnrolOptions): Promise<"this-boot" | "earlier-boot"> {
  const { chain, log, signal, onWaiting } = options;
  let said = "";
  let triedToRegister = false;
  const say = (what: string) => {
    onWaiting(what);
    if (what !== said) log.info({ waitingFor: what }, "waiting");
    said = what;
  };
  for (;;) {
    const outcome = await retry(() => attempt(options, say), {
      signal,
      onFailure: (error) => say(`the chain: ${error instanceof Error ? error.message : error}`),
    });
    if (outcome !== "wait") {
      onWaiting(null);
      return outcome;
    }
    await pause(pollMs, undefined, { signal });
  }

  async function attempt(
    { bootKey, tokenId, registration }: EnrolOptions,
    tell: (what: string) => void,
  ): Promise<"this-boot" | "earlier-boot" | "wait"> {
    const standing = await chain.standing();
    switch (standing.kind) {
      case "registered":
        // A cold start lists recovering boots as well: only who sent a registration registered.
        if (standing.bootKey === bootKey && triedToRegister) return "this-boot";
        await announce(options);
        return "earlier-boot";
      case "revoked":
        tell(`nothing: the owner revoked token ${standing.tokenId}, this wallet cannot register`);
        return "wait";
      case "no-token":
        if (tokenId === null) {
          tell(`a membership token for wallet ${standing.wallet}: mint or assign one to it`);
          return "wait";
        }
        return register(tokenId, await registration());
      case "token":
        return register(tokenId ?? standing.tokenId, await registration());
      default:
        return standing satisfies never;
    }
  }

  async function register(tokenId: bigint, registration: Registration): Promise<"this-boot"> {
    log.info({ tokenId: tokenId.toString() }, "registering");
    // Noted before it is sent: it may be mined although its answer is lost.
    triedToRegister = true;
    await chain.register(tokenId, registration);
    return "this-boot";
  }
}

/** Makes the restart public. The roster does not change, so nothing depends on it. */
async function announce({ chain, bootKey, registration, log }: EnrolOptions): Promise<void> {
  try {
    const { quoteHash } = await registration();
    await chain.announceBoot(bootKey, quoteHash);
  } catch (error) {
    log.warn({ error: String(error) }, "this restart could not be announced on the chain");
  }
}

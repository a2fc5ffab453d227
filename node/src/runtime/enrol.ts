/** Getting this wallet into the contract, and saying so when someone else has to act first. */
import { setTimeout as pause } from "node:timers/promises";
import type { BootKey } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { Chain, Log, Registration } from "./ports.ts";
import { retry } from "./retry.ts";

export type EnrolOptions = {
  readonly chain: Pick<Chain, "standing" | "register" | "reregister" | "announceBoot">;
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
  const { log, signal, onWaiting } = options;
  let said = "";
  const say = (what: string) => {
    onWaiting(what);
    if (what !== said) log.info({ waitingFor: what }, "waiting");
    said = what;
  };
  const attempt = attempts(options, say);
  for (;;) {
    const outcome = await retry(attempt, {
      signal,
      onFailure: (error) => say(`the chain: ${error instanceof Error ? error.message : error}`),
    });
    if (outcome !== "wait") {
      onWaiting(null);
      return outcome;
    }
    await pause(pollMs, undefined, { signal });
  }
}

/** One look at the contract, and what follows from it; attempts know of those before them. */
function attempts(
  options: EnrolOptions,
  tell: (what: string) => void,
): () => Promise<"this-boot" | "earlier-boot" | "wait"> {
  const { chain, bootKey, tokenId, registration, log } = options;
  let mayBeRegistered = false;

  async function attempt(): Promise<"this-boot" | "earlier-boot" | "wait"> {
    const standing = await chain.standing();
    switch (standing.kind) {
      case "registered":
        // A cold start lists recovering boots as well: only who sent a registration registered.
        if (standing.bootKey === bootKey && mayBeRegistered) return "this-boot";
        if (standing.waiting) return reregister(await registration());
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

  function register(token: bigint, own: Registration): Promise<"this-boot"> {
    log.info({ tokenId: token.toString() }, "registering");
    return noted(() => chain.register(token, own));
  }

  function reregister({ quoteHash }: Registration): Promise<"this-boot"> {
    log.info({}, "registering this boot in place of the one that waits to become a member");
    return noted(() => chain.reregister(bootKey, quoteHash));
  }

  /** Noted before it is sent: it may be mined although its answer is lost. */
  async function noted(send: () => Promise<void>): Promise<"this-boot"> {
    const before = mayBeRegistered;
    mayBeRegistered = true;
    try {
      await send();
      return "this-boot";
    } catch (error) {
      // What the contract refused was not mined: a cold start might list this boot all the same.
      if (isRefusal(error)) mayBeRegistered = before;
      throw error;
    }
  }

  return attempt;
}

function isRefusal(error: unknown): boolean {
  return error instanceof ClusterError && error.fault.code === "chain.reverted";
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

/**
 * The dstack guest agent, as far as a node needs it.
 *
 * The published client ignores HTTP status codes and resolves some failures as answers, so every
 * answer is checked here. It also waits up to 30 s; callers here wait `callTimeoutMs` at most.
 */
import { DstackClient } from "@phala/dstack-sdk";
import { z } from "zod";
import { EnclaveError } from "./keyProof.ts";

export type AgentInfo = {
  /** 20 bytes, lower-case hex, as are all here. */
  readonly instanceId: string;
  readonly appId: string;
  /** 32 bytes. */
  readonly composeHash: string;
};
export type AgentKey = {
  readonly key: Uint8Array;
  readonly signatureChain: readonly Uint8Array[];
};
export type Quoted = {
  /** Raw TDX quote, lower-case hex. */
  readonly quote: string;
  /** JSON text. */
  readonly eventLog: string;
};

export type Agent = {
  info(): Promise<AgentInfo>;
  key(path: string, purpose: string): Promise<AgentKey>;
  quote(reportData: Uint8Array): Promise<Quoted>;
};

// A quote comes from another enclave on the host and takes hundreds of milliseconds there.
const callTimeoutMs = 10_000;

const bytes20 = z.string().regex(/^[0-9a-f]{40}$/, "expected 20 bytes of lower-case hex");
const bytes32 = z.string().regex(/^[0-9a-f]{64}$/, "expected 32 bytes of lower-case hex");
const bytes = (length: number) =>
  z.instanceof(Uint8Array).refine((value) => value.length === length, `expected ${length} bytes`);

const infoSchema = z.object({ instance_id: bytes20, app_id: bytes20, compose_hash: bytes32 });
const keySchema = z.object({ key: bytes(32), signature_chain: z.array(bytes(65)).length(2) });
const quoteSchema = z.object({
  quote: z.string().regex(/^(?:[0-9a-f]{2})+$/, "expected lower-case hex"),
  event_log: z.string(),
});

/**
 * @param endpoint a socket's path or an http URL; undefined: where dstack puts its socket
 * @throws EnclaveError from every method
 */
export function guestAgent(endpoint: string | undefined): Agent {
  return {
    async info() {
      const answer = await ask(endpoint, "Info", infoSchema, (client) => client.info());
      return {
        instanceId: answer.instance_id,
        appId: answer.app_id,
        composeHash: answer.compose_hash,
      };
    },
    async key(path, purpose) {
      const answer = await ask(endpoint, "GetKey", keySchema, (client) =>
        client.getKey(path, purpose),
      );
      return { key: answer.key, signatureChain: answer.signature_chain };
    },
    async quote(reportData) {
      const answer = await ask(endpoint, "GetQuote", quoteSchema, (client) =>
        client.getQuote(reportData),
      );
      return { quote: answer.quote, eventLog: answer.event_log };
    },
  };
}

async function ask<Schema extends z.ZodType>(
  endpoint: string | undefined,
  method: string,
  schema: Schema,
  call: (client: DstackClient) => Promise<unknown>,
): Promise<z.infer<Schema>> {
  // A client a call: its constructor refuses while the socket does not exist yet.
  const answer = await withinTimeout(method, async () => call(new DstackClient(endpoint)));
  const checked = schema.safeParse(answer);
  if (checked.success) return checked.data;
  // The answer may hold a key: only where it went wrong is told, never what it held.
  const reason = checked.error.issues
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("; ");
  throw new EnclaveError(
    { code: "enclave.malformed", reason },
    `the guest agent's answer to ${method} is unusable: ${reason}`,
  );
}

async function withinTimeout<T>(method: string, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${callTimeoutMs} ms`)), callTimeoutMs);
  });
  try {
    return await Promise.race([call(), timeout]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnclaveError(
      { code: "enclave.unreachable", reason },
      `the guest agent did not answer ${method}: ${reason}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}

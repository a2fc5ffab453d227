/** What a running node shows of itself to whoever watches it. */
import { readdirSync } from "node:fs";
import { Agent, get } from "node:http";

export type Watched = {
  /** A counter or gauge, all its labels together, as `GET /metrics` has it; 0 while there is none. */
  metric(name: string, labels?: string): Promise<number>;
  /** Open files, where the system shows them; else `null`. */
  files(): number | null;
  /** Asks for `/status`, and for the memory, over and over until it is told to stop. */
  probe(): Probe;
  end(): void;
};

export type Probe = {
  /** Rejects when an answer did not come. */
  stop(): Promise<Seen>;
};

export type Seen = {
  readonly answers: number;
  readonly tookMsMax: number;
  /** The process's resident memory at its highest. */
  readonly bytesMax: number;
};

const probeEveryMs = 200;
const probeMsMax = 10_000;

export function watchNode(url: string, pid: number): Watched {
  // Of its own and kept open: connections of others must not get in the way.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  async function metric(name: string, labels = ""): Promise<number> {
    const text = await read(`${url}/metrics`, agent);
    const lines = text.split("\n").filter((line) => line.startsWith(`dstack_cluster_${name}`));
    const values = lines
      .filter((line) => line.includes(labels))
      .map((line) => line.split(" ").at(-1));
    return values.reduce((total, value) => total + Number(value), 0);
  }

  function probe(): Probe {
    let stopping = false;
    let seen: Seen = { answers: 0, tookMsMax: 0, bytesMax: 0 };
    async function run(): Promise<void> {
      while (!stopping) {
        const sinceMs = performance.now();
        await read(`${url}/status`, agent);
        const tookMs = performance.now() - sinceMs;
        const bytes = await metric("process_resident_memory_bytes");
        seen = {
          answers: seen.answers + 1,
          tookMsMax: Math.max(seen.tookMsMax, tookMs),
          bytesMax: Math.max(seen.bytesMax, bytes),
        };
        await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
      }
    }
    const running = run();
    // Whoever stops it learns of a failure.
    running.catch(() => undefined);
    return {
      async stop() {
        stopping = true;
        await running;
        return seen;
      },
    };
  }

  return { metric, files: () => filesOf(pid), probe, end: () => agent.destroy() };
}

function read(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, signal: AbortSignal.timeout(probeMsMax) }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${url}: ${answer.statusCode} ${text}`));
      });
    });
    request.on("error", reject);
  });
}

function filesOf(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

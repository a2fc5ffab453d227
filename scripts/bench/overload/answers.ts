/** Reads HTTP/1.1 answers from a connection's bytes; all of them say their length. */

export type Answer = {
  readonly status: number;
  /** Seconds of `Retry-After`; null when there is none. */
  readonly retryAfterSeconds: number | null;
  readonly body: string;
};

const headEnd = "\r\n\r\n";

/**
 * @param onAnswer called for each answer once it is complete, in the order they came
 * @returns takes the next bytes, however they are cut
 * @throws Error when they are no HTTP/1.1 answer with a Content-Length
 */
export function createAnswerReader(onAnswer: (answer: Answer) => void): (bytes: Buffer) => void {
  let pending = "";
  return (bytes) => {
    // One byte, one character: lengths stay right, and the bodies that are looked at are ASCII.
    pending += bytes.toString("latin1");
    let start = 0;
    for (;;) {
      const end = pending.indexOf(headEnd, start);
      if (end < 0) break;
      const head = pending.slice(start, end);
      const bodyStart = end + headEnd.length;
      const bodyEnd = bodyStart + lengthOf(head);
      if (bodyEnd > pending.length) break;
      onAnswer({
        status: statusOf(head),
        retryAfterSeconds: retryAfterOf(head),
        body: pending.slice(bodyStart, bodyEnd),
      });
      start = bodyEnd;
    }
    pending = pending.slice(start);
  };
}

function statusOf(head: string): number {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
  if (status >= 100) return status;
  throw new Error(`expected an HTTP/1.1 status line, got ${JSON.stringify(head.slice(0, 64))}`);
}

function lengthOf(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  throw new Error(`expected a Content-Length in ${JSON.stringify(head.slice(0, 256))}`);
}

function retryAfterOf(head: string): number | null {
  const seconds = /\r\nretry-after: *(\d+)/i.exec(head)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

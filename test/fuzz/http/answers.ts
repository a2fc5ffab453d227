/** What a server put on the wire, read strictly, and whether it may have said that. */
import { expect } from "vitest";
import { problems, problemType } from "../../../node/src/http/problem.ts";

export type Answer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

const statusLine = /^HTTP\/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]*$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)$/;
const answerBegins = Buffer.from("HTTP/1.1 ");

/**
 * All the answers of one connection, from its first byte to its last.
 *
 * Whether a request was a HEAD is not known here: an answer without its announced body is one to a
 * HEAD when the next answer, or the end, follows at once. No body of ours begins like an answer.
 *
 * @throws Error naming the place that is no answer
 */
export function readAnswers(bytes: Buffer): readonly Answer[] {
  const answers: Answer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    if (headEnd < 0) throw new Error(`no end of headers after ${at}: ${excerpt(bytes, at)}`);
    const [first = "", ...lines] = bytes.toString("latin1", at, headEnd).split("\r\n");
    const status = Number(statusLine.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no status line at ${at}: ${excerpt(bytes, at)}`);
    const headers = readHeaders(lines);
    at = headEnd + 4;
    if (status === 100) continue;
    const rest = bytes.subarray(at);
    const length = Number(headers.get("content-length") ?? 0);
    const isBare = rest.length === 0 || rest.subarray(0, 9).equals(answerBegins);
    if (!isBare && rest.length < length) throw new Error(`a body cut short at ${at}`);
    const body = isBare ? "" : rest.toString("utf8", 0, length);
    if (!isBare) at += length;
    answers.push({ status, headers, body });
  }
  return answers;
}

function readHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no header: ${line}`);
    const known = name.toLowerCase();
    if (headers.has(known)) throw new Error(`the header ${known} comes twice`);
    headers.set(known, value);
  }
  return headers;
}

const excerpt = (bytes: Buffer, at: number): string =>
  JSON.stringify(bytes.toString("latin1", at, at + 80));

/** Statuses by which a node may refuse: the client's fault, or a documented state of the cluster. */
const unavailable = [503, 504];

/** A refusal is a problem document of a declared code; anything else is a success of ours. */
export function expectDocumented({ status, headers, body }: Answer): void {
  if (status === 200 || status === 204) return;
  const refused = `${status} ${JSON.stringify(body)}`;
  expect((status >= 400 && status < 500) || unavailable.includes(status), refused).toBe(true);
  expect(headers.get("content-type"), refused).toBe(problemType);
  if (body === "") return; // to a HEAD
  expect(headers.get("content-length"), refused).toBe(String(Buffer.byteLength(body)));
  const document = JSON.parse(body) as Readonly<Record<string, unknown>>;
  const { code } = document;
  const known = Object.entries(problems).find(([name]) => name === code)?.[1];
  expect(known, refused).toBeDefined();
  expect(document, refused).toMatchObject({
    ...known,
    type: `urn:dstack-cluster:problem:${String(code)}`,
    status,
    detail: expect.any(String) as unknown,
  });
}

/** One keep-alive connection that requests are put on whether or not earlier ones are answered. */
import { connect } from "node:net";
import { type Answer, createAnswerReader } from "./answers.ts";

export type Connection = {
  /** @param dueMs when it was meant to be sent: latencies count from there */
  send(request: string, dueMs: number): void;
  /** Requests whose answers are due, in order. */
  outstanding(): number;
  isOpen(): boolean;
  close(): void;
};

export type ConnectionEvents = {
  readonly onAnswer: (answer: Answer, latencyMs: number) => void;
  /** The connection ended; `unanswered` requests will never be answered. */
  readonly onEnd: (unanswered: number) => void;
};

export function openConnection(url: URL, { onAnswer, onEnd }: ConnectionEvents): Connection {
  const due: number[] = [];
  let open = true;
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  const read = createAnswerReader((answer) => {
    const sinceMs = due.shift();
    if (sinceMs === undefined) throw new Error("expected no more answers than requests");
    onAnswer(answer, performance.now() - sinceMs);
  });
  socket.on("data", read);
  // "close" follows, and tells how much was lost.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    open = false;
    onEnd(due.length);
  });
  return {
    send(request, dueMs) {
      due.push(dueMs);
      socket.write(request, "latin1");
    },
    outstanding: () => due.length,
    isOpen: () => open,
    close: () => socket.destroy(),
  };
}

/** A request without a body, as it goes over the wire. */
export function requestText(method: "GET" | "POST", url: URL, path: string): string {
  const length = method === "POST" ? "content-length: 0\r\n" : "";
  return `${method} ${path} HTTP/1.1\r\nhost: ${url.host}\r\n${length}\r\n`;
}

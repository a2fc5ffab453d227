/**
 * The compose hash as dstack computes it, and what a compose file leaves out of it.
 *
 * dstack hashes the file's bytes as they were deployed: whitespace, the order of keys and fields
 * that it does not know all count, so nothing here parses a file and writes it out again.
 *
 * @see dstack: `sha256(tcb_info.app_compose) == compose_hash`
 */
import { createHash } from "node:crypto";

/** @returns 64 hex digits, without 0x, as dstack spells it */
export function composeHashOf(file: Uint8Array): string {
  return createHash("sha256").update(file).digest("hex");
}

/** The file is none that a guest could boot from. */
export class AppComposeError extends Error {
  override readonly name = "AppComposeError";
}

/**
 * What the hash of this app-compose.json does not fix, one sentence each. To help whoever admits a
 * hash, not to guard against who wrote the file: it reads lines and flow mappings, not all of YAML.
 *
 * @throws AppComposeError when the bytes are no JSON object in UTF-8
 */
export function openEndsOf(file: Uint8Array): readonly string[] {
  const { docker_compose_file: compose } = parseAppCompose(file);
  if (typeof compose !== "string") {
    return ["it has no docker_compose_file: expected one, nothing else was looked at"];
  }
  const lines = compose.split("\n").map(withoutComment);
  const openEnds = lines.flatMap((line, index) => [
    ...valuesOf("build", line).map(
      () => `line ${index + 1} builds an image: expected image: name@sha256:…, made beforehand`,
    ),
    ...valuesOf("image", line).flatMap((image) => openEndOf(image, index + 1)),
  ]);
  const named = lines.some((line) => valuesOf("image", line).length > 0);
  return named ? openEnds : [...openEnds, "it names no image: expected image: name@sha256:…"];
}

/** @throws AppComposeError */
export function parseAppCompose(file: Uint8Array): Readonly<Record<string, unknown>> {
  const refuse = (why: string) => new AppComposeError(`it is no app-compose.json: ${why}`);
  let content: unknown;
  try {
    // A byte order mark stays, and is refused: the guest's parser takes none either.
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file));
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw refuse("expected a JSON object");
  }
  return content as Readonly<Record<string, unknown>>;
}

function openEndOf(image: string, line: number): readonly string[] {
  // `$$` is a plain dollar sign in a compose file.
  if (/\$(?!\$)/.test(image.replaceAll("$$", ""))) {
    return [
      `line ${line} names an image by a variable, ${image}: the hash covers the text, not the ` +
        "variable's value; expected name@sha256:…",
    ];
  }
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return [];
  return [`line ${line} names an image without digest, ${image}: expected name@sha256:…`];
}

/** In block style (`image: a`, `- image: a`) and in flow style (`{ image: a, … }`). */
function valuesOf(key: string, line: string): readonly string[] {
  const field = new RegExp(
    `(?:^\\s*(?:-\\s+)*|[{,]\\s*)["']?${key}["']?\\s*:(?:\\s+(\\$\\{[^}]*\\}[^,}]*|[^,{}]*)|$)`,
    "g",
  );
  return [...line.matchAll(field)].map(([, value = ""]) => unquoted(value));
}

/** Without an anchor or tag before it. */
function unquoted(value: string): string {
  const plain = value.trim().replace(/^(?:[&!]\S+\s+)+/, "");
  return plain.replace(/^(["'])(.*)\1$/, "$2");
}

/** A `#` begins a comment at the line's start or after a blank. */
function withoutComment(line: string): string {
  return line.replace(/(?:^|\s)#.*$/, "");
}

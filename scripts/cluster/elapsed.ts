/** How long this process has run, as the lines of progress show it. */
export function elapsed(): string {
  return `[${(performance.now() / 1_000).toFixed(1).padStart(4)} s]`;
}

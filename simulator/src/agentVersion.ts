/** What differs between the guest agents of the 0.5 series, so that one simulator can be any. */

export type AgentVersion = {
  readonly text: string;
  /** Sign, Verify, Attest, ed25519; and quotes whose event log lacks the run-time digests. */
  readonly signs: boolean;
  /** The Version method, and the cloud fields of Info. */
  readonly reportsVersion: boolean;
  /** The `storage-fs` event. */
  readonly measuresStorage: boolean;
};

/** @returns `null` unless `text` is one of 0.5.4 to 0.5.11 */
export function parseAgentVersion(text: string): AgentVersion | null {
  const match = /^0\.5\.([4-9]|1[01])$/.exec(text);
  if (match === null) return null;
  const patch = Number(match[1]);
  return {
    text,
    signs: patch >= 6,
    reportsVersion: patch >= 7,
    measuresStorage: patch >= 5,
  };
}

/**
 * A development counterpart of the hierarchy that stands behind real quotes: root, platform
 * authority, and one certificate for each device.
 *
 * Safety assumes nothing: all keys follow from a seed that anyone may know. Whoever accepts this
 * root accepts everyone.
 */

import { type Device, deviceNamed } from "./device.ts";
import { type IssuedCertificate, issueCertificate } from "./issue.ts";
import { type Authorities, authorities, type Party, pckHolder } from "./party.ts";
import { pckExtension } from "./pckExtension.ts";

export type Pki = {
  readonly seed: string;
  readonly device: Device;
  readonly authorities: Authorities;
  readonly root: IssuedCertificate;
  /** Whose key signs the quoting enclave's report. */
  readonly pckHolder: Party;
  /** PEM: device, platform authority, root. */
  readonly pckChain: string;
};

/** Equal arguments give equal bytes, in every process. */
export async function createPki(seed: string, deviceName: string): Promise<Pki> {
  const device = deviceNamed(seed, deviceName);
  const all = authorities(seed);
  const holder = pckHolder(seed, deviceName);
  const [root, authority, certificate] = await Promise.all([
    issueCertificate(all.root, all.root, { pathLength: 1 }),
    issueCertificate(all.root, all.platformAuthority, { pathLength: 0 }),
    issueCertificate(all.platformAuthority, holder, {
      pathLength: null,
      extensions: [pckExtension(device)],
    }),
  ]);
  return {
    seed,
    device,
    authorities: all,
    root,
    pckHolder: holder,
    pckChain: certificate.pem + authority.pem + root.pem,
  };
}

/**
 * What a provisioning certification key's certificate says of its platform.
 *
 * @see Intel SGX PCK Certificate and CRL Profile Specification, 1.3.5
 */
import "reflect-metadata";
import { Extension } from "@peculiar/x509";
import { enumerated, integer, objectId, octetString, sequence } from "../certificate/der.ts";
import { cpuSvn, type Device, fmspc, pceId, pceSvn } from "./device.ts";

const arc = "1.2.840.113741.1.13.1";
/** A platform of several packages, as all are that can run trust domains. */
const scalableType = 1;

export function pckExtension(device: Device): Extension {
  const { ppid, platformInstanceId } = device;
  const value = sequence(
    field("1", octetString(ppid)),
    field("2", tcb()),
    field("3", octetString(pceId)),
    field("4", octetString(fmspc)),
    field("5", enumerated(scalableType)),
    field("6", octetString(platformInstanceId)),
  );
  return new Extension(arc, false, Uint8Array.from(value));
}

/** The platform's state of updates: sixteen components, the enclave that certifies, and all in one. */
function tcb(): Uint8Array {
  const components = Array.from(cpuSvn, (svn, i) => field(`2.${i + 1}`, integer(svn)));
  return sequence(
    ...components,
    field("2.17", integer(pceSvn)),
    field("2.18", octetString(cpuSvn)),
  );
}

function field(id: string, value: Uint8Array): Uint8Array {
  return sequence(objectId(`${arc}.${id}`), value);
}

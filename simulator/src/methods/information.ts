import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { type Instance, tdReport } from "../instance.ts";
import { aggregatedMeasurement } from "../measurement/aggregate.ts";
import { fullEventLog } from "../measurement/eventLog.ts";
import { vmConfig } from "../measurement/osImage.ts";
import { reportDataBytes, type TdReport } from "../quote/layout.ts";

/** An agent does not verify its own platform, so it hashes an empty platform id. */
export const unverifiedDeviceId = sha256(new Uint8Array());

/** Info: who this instance is. `tcb_info` and `vm_config` are JSON text inside JSON. */
export function info(instance: Instance): Readonly<Record<string, string>> {
  const { app } = instance;
  const report = tdReport(instance, new Uint8Array(reportDataBytes));
  const { agentVersion, image } = app.settings;
  return {
    app_id: bytesToHex(app.appId),
    instance_id: bytesToHex(instance.instanceId),
    app_cert: instance.demoCertificate.chain.join("\n"),
    tcb_info: tcbInfo(instance, report),
    app_name: app.appName,
    device_id: bytesToHex(unverifiedDeviceId),
    mr_aggregated: bytesToHex(aggregatedMeasurement(report)),
    os_image_hash: bytesToHex(image.osImageHash),
    key_provider_info: app.keyProviderInfo,
    compose_hash: bytesToHex(app.composeHash),
    vm_config: vmConfig(image),
    ...(agentVersion.reportsVersion ? { cloud_vendor: "", cloud_product: "" } : {}),
  };
}

/** Version: the release, and a revision that no build of the real agent has. */
export function version(instance: Instance): { readonly version: string; readonly rev: string } {
  return { version: instance.app.settings.agentVersion.text, rev: `git:${"0".repeat(20)}` };
}

function tcbInfo(instance: Instance, report: TdReport): string {
  const { app } = instance;
  const [rtmr0, rtmr1, rtmr2, rtmr3] = report.rtmrs.map((register) => bytesToHex(register));
  const fields = {
    mrtd: bytesToHex(report.mrtd),
    rtmr0,
    rtmr1,
    rtmr2,
    rtmr3,
    mr_aggregated: bytesToHex(aggregatedMeasurement(report)),
    os_image_hash: bytesToHex(app.settings.image.osImageHash),
    compose_hash: bytesToHex(app.composeHash),
    device_id: bytesToHex(unverifiedDeviceId),
    event_log: fullEventLog(instance.events),
    app_compose: app.composeText,
  };
  return JSON.stringify(fields, null, 2);
}

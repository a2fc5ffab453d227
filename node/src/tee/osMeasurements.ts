/**
 * Which OS images are accepted, by what the hardware measured of them. The file is JSON:
 *
 * [{ "name": "dstack-0.5.8", "mrTd": "…", "rtmr0": "…", "rtmr1": "…", "rtmr2": "…" }]
 *
 * Each value is 48 bytes of hex. `rtmr0` may be left out: it covers the virtual machine's shape
 * (processors, memory, devices) as well, and so differs between machines that run one image.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";

export type OsMeasurements = {
  readonly name: string;
  readonly mrTd: string;
  readonly rtmr0?: string | undefined;
  readonly rtmr1: string;
  readonly rtmr2: string;
};

const register = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{96}$/, "expected 48 bytes of hex"));
const schema = z
  .array(
    z.strictObject({
      name: z.string().min(1),
      mrTd: register,
      rtmr0: register.optional(),
      rtmr1: register,
      rtmr2: register,
    }),
  )
  .min(1, "expected one image at least");

/** @throws Error naming the file, and what is wrong with it */
export function readOsMeasurements(file: string): readonly OsMeasurements[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`the OS measurements cannot be read from ${file}: ${String(error)}`);
  }
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`the OS measurements in ${file} cannot be used: ${problems.join("; ")}`);
}

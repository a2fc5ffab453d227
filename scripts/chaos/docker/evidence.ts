/** What nodes in containers said of their own accord. */
import type { Printed } from "../../docker/docker.ts";
import { type Testimony, testimonyOf } from "../local/evidence.ts";

/** The first line of each boot, as `node/src/main.ts` writes it. */
const startLine = /^\{.*"msg":"starting"\}$/;

/**
 * In a container every boot has the process id 1, so that boots are told apart by where they begin.
 *
 * @throws Error when the log does not begin with a start: two boots could pass for one
 */
export function testimonyIn(name: string, { stdout, stderr }: Printed): Testimony {
  const boots = bootsIn(name, stdout).map((text) => testimonyOf(name, text));
  // A crash is told on the other output, of whichever boot.
  const crashes = testimonyOf(name, stderr).endings;
  return {
    offices: boots.flatMap(({ offices }, at) =>
      offices.map((office) => ({ ...office, boot: `boot ${at + 1}` })),
    ),
    endings: [...boots.flatMap(({ endings }) => endings), ...crashes],
  };
}

/** How many boots such a log tells of. */
export function bootCount({ stdout }: Printed): number {
  return stdout.split("\n").filter((line) => startLine.test(line)).length;
}

function bootsIn(name: string, stdout: string): readonly string[] {
  const boots: string[][] = [];
  for (const line of stdout.split("\n")) {
    if (startLine.test(line)) boots.push([]);
    const boot = boots.at(-1);
    if (boot !== undefined) boot.push(line);
    else if (line.trim() !== "") {
      throw new Error(`${name}'s log does not begin with its start: ${line.slice(0, 120)}`);
    }
  }
  return boots.map((lines) => lines.join("\n"));
}

/** Which running cluster is meant. */
import { recordOfRunning } from "../cluster/control/client.ts";
import { ChangeError, reasonOf } from "../cluster/failure.ts";
import { layoutOf } from "../cluster/layout.ts";
import { projectRoot } from "../cluster/programs.ts";
import type { Breakable } from "./breakable.ts";
import type { FaultOptions } from "./cli.ts";
import { openProcesses } from "./processes/processes.ts";

type Chosen = Pick<FaultOptions, "dataDir" | "dataDirIsDefault" | "project">;

/**
 * A named project is meant, or whatever runs on the data directory; where nothing does and none was
 * named, the one compose project of this folder.
 *
 * @throws ChangeError when nothing runs, or it is open which is meant
 */
export async function openCluster(
  { dataDir, dataDirIsDefault, project }: Chosen,
  say: (line: string) => void,
): Promise<Breakable> {
  if (project !== null) return openComposeNow(project, say);
  const layout = layoutOf(dataDir);
  try {
    recordOfRunning(layout);
  } catch (error) {
    if (!dataDirIsDefault) throw error;
    const found = await soleProject(reasonOf(error));
    say(`the compose project ${found}, for nothing runs on ${dataDir}`);
    return openComposeNow(found, say);
  }
  return openProcesses(layout, say);
}

/** @param otherwise why no cluster of processes is meant, where there is no project either */
async function soleProject(otherwise: string): Promise<string> {
  const { projectsIn } = await import("./compose/parts.ts");
  // Whoever has no docker has no containers either.
  const projects = await projectsIn(projectRoot.replace(/\/$/, "")).catch(() => []);
  const [only] = projects;
  if (only === undefined) throw new ChangeError(otherwise);
  if (projects.length === 1) return only;
  throw new ChangeError(
    `several compose projects of this folder run: ${projects.join(", ")}; name one by --compose`,
  );
}

/** Loaded only where it is wanted. */
async function openComposeNow(project: string, say: (line: string) => void): Promise<Breakable> {
  const { openCompose } = await import("./compose/compose.ts");
  return openCompose(project, say);
}

/** The nodes of a running cluster as processes: started one by one, waited for together. */
import { agentsListen, agentsService } from "./agents.ts";
import type { Context } from "./context.ts";
import { StartError } from "./failure.ts";
import { nodeName, nodeService, nodeUrl, serves, whyNotServing } from "./node.ts";
import { pccsPortOf } from "./ports.ts";
import { becomes } from "./wait.ts";

/** The process that serves the guest agents of the nodes of a start. */
export const agentsName = "simulator";
/** Seconds on a machine of its own; a process that ended is noticed at once. */
export const answerTimeoutMs = 60_000;
/** Transactions of a set-up, registrations and votes may each wait for a block or two. */
const blocksMax = 8;

/** @throws StartError when the contract is not deployed or the node runs already */
export async function startNode(context: Context, number: number): Promise<void> {
  const { basePort, socketDir, deployment } = context.record();
  if (deployment === null) throw new StartError("a node needs the contract: set up first");
  const { contract } = deployment;
  const environment = context.nodeEnvironment;
  const options = { number, basePort, socketDir, contract, environment };
  const service = nodeService(context.programs, context.layout, options);
  const command = context.adaptNode(number, service.command);
  await context.supervisor.start({ ...service, command });
}

/**
 * Serves the guest agents of these nodes from one process, called `service`.
 *
 * @throws StartError
 */
export async function startAgents(
  context: Context,
  service: string,
  numbers: readonly number[],
): Promise<void> {
  const { programs, layout, supervisor } = context;
  const { socketDir, basePort } = context.record();
  const nodes = numbers.map(nodeName);
  // Devices are all of one model: the first process serves collateral for those of later ones too.
  const pccsPort = service === agentsName ? pccsPortOf(basePort) : null;
  const agents = { service, socketDir, nodes, pccsPort };
  await supervisor.start(agentsService(programs, layout, agents));
  await untilAnswers(context, service, () => agentsListen(agents));
}

/** @throws StartError when the service ends meanwhile, or does not answer in time */
export async function untilAnswers(
  context: Context,
  name: string,
  answers: () => Promise<boolean>,
): Promise<void> {
  const answered = await becomes(async () => {
    context.supervisor.requireRunning(name);
    return answers();
  }, answerTimeoutMs);
  if (answered) return;
  throw new StartError(
    `${name} did not answer within ${answerTimeoutMs / 1_000} s; see ${context.layout.log(name)}`,
  );
}

/** @throws StartError naming who does not serve within `timeoutMs`, and why */
export async function waitUntilServing(
  context: Context,
  numbers: readonly number[],
  timeoutMs: number,
): Promise<void> {
  const { supervisor, layout } = context;
  const { basePort } = context.record();
  await Promise.all(
    numbers.map(async (number) => {
      const [name, url] = [nodeName(number), nodeUrl(basePort, number)];
      const served = await becomes(() => {
        supervisor.requireRunning(name);
        return serves(url);
      }, timeoutMs);
      if (served) return;
      throw new StartError(
        `${name} does not serve after ${timeoutMs / 1_000} s: ${await whyNotServing(url)}; ` +
          `see ${layout.log(name)}`,
      );
    }),
  );
}

/** What blocks that come by the clock may add to a wait. */
export function blocksMs(context: Context): number {
  return blocksMax * 1_000 * (context.record().blockTimeSeconds ?? 0);
}

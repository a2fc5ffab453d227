/** Whether the cluster is well: every node serves, and a write goes through. */

import { serves, whyNotServing } from "../../cluster/node.ts";
import { becomes } from "../../cluster/wait.ts";
import type { Recorder } from "../history.ts";
import type { SubjectNode } from "../subject.ts";

export type Wellness = {
  /** Whether it becomes so within that time. */
  becomesWell(withinMs: number): Promise<boolean>;
  /** Why it is not, in the nodes' words. */
  why(): Promise<string>;
};

export function watchWellness(nodes: readonly SubjectNode[], recorder: Recorder): Wellness {
  return {
    async becomesWell(withinMs) {
      const { writes } = recorder.counts();
      return becomes(async () => {
        if (recorder.counts().writes <= writes) return false;
        const serving = await Promise.all(nodes.map(({ url }) => serves(url)));
        return serving.every((each) => each);
      }, withinMs);
    },
    async why() {
      const each = await Promise.all(
        nodes.map(async ({ name, url }) =>
          (await serves(url)) ? null : `${name}: ${await whyNotServing(url)}`,
        ),
      );
      const reasons = each.filter((reason) => reason !== null);
      return reasons.length > 0 ? reasons.join("; ") : "all serve, but no write was acknowledged";
    },
  };
}

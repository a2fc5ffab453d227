import { expect, test } from "vitest";
import { play, schedules } from "./schedules/schedules.ts";

test.each(Object.entries(schedules))("%s", (_name, schedule) => {
  expect(play(schedule).violation).toBeNull();
});

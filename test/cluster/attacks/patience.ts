/** For what a condition waits for; nothing is asserted of how long it takes. */
export const patience = { timeout: 60_000, interval: 100 };

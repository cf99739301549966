// Brings a checkout up to date: makes what is missing or stale, nothing else.
import { withLock } from "./lock.mjs";
import { addon, dist, packages, python } from "./steps.mjs";
import { checkTools } from "./tools.mjs";

/** What the JavaScript side needs. */
export const BUILD = [packages, addon, dist];
export const ALL = [...BUILD, python];

/** Checks the tools, then makes the stale ones of `steps` in order. */
export async function setup(steps = ALL) {
  checkTools();
  if (steps.every((step) => !step.isStale())) return;
  await withLock(async () => {
    for (const step of steps) {
      if (step.isStale()) await make(step);
    }
  });
}

async function make(step) {
  console.log(`setup: ${step.title} ...`);
  const start = performance.now();
  await step.make();
  console.log(`setup: ${step.title}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

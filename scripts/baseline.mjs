// node scripts/baseline.mjs: renews bench/baseline.json, to be done after a change that is meant to move its figures.
import { join } from "node:path";
import { ROOT } from "./lib/paths.mjs";
import { entry, run } from "./lib/run.mjs";
import { BUILD, setup } from "./lib/setup.mjs";

await entry(async () => {
  await setup(BUILD);
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const environment = { ...process.env, HNSW_BRIDGE_BASELINE: "renew" };
  return run(process.execPath, [vitest, "run", "test/baseline"], { env: environment });
});

// npm run format: rewrites what can be put right without thinking.
import { ENVIRONMENT, formatters } from "./lib/checks.mjs";
import { entry, run } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";

await entry(async () => {
  await setup();
  let worst = 0;
  for (const { command, args, options } of formatters()) {
    worst = Math.max(worst, await run(command, args, { env: ENVIRONMENT, ...options }));
  }
  return worst;
});

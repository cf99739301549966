// npm run check: format, lint and types in all languages. Runs all of them, then names those that failed.
import { checks, ENVIRONMENT } from "./lib/checks.mjs";
import { entry, run } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";

await entry(async () => {
  await setup();
  const failed = [];
  for (const check of checks()) {
    console.log(`\ncheck: ${check.title}${check.skipped ? ` skipped: ${check.skipped}` : ""}`);
    if (check.skipped) continue;
    const code = await run(check.command, check.args, { env: ENVIRONMENT, ...check.options });
    if (code !== 0) failed.push(check.title);
  }
  console.log(failed.length === 0 ? "\ncheck: all good" : `\ncheck: failed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
});

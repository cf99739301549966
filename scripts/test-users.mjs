// npm run test:users [-- ARGS for pytest]: the packages that sit on top of PyNNDescent (scanpy and the like), run on our
// class in a virtual environment of their own. Where that cannot be made in time, it says so and counts as skipped.
import { entry } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";
import { clearReports, closing, users } from "./lib/suites.mjs";
import { usersEnvironment } from "./lib/users.mjs";

await entry(async (args) => {
  await setup();
  clearReports();
  const missing = await usersEnvironment();
  if (missing === undefined) return closing([await users(args)]);
  console.log(`users: skipped: ${missing}`);
  closing([{ title: "users", passed: 0, failed: 0, skipped: 1 }]);
  return 0;
});

// npm run test:users [-- ARGS for pytest]: the packages that sit on top of PyNNDescent (scanpy and the like), run on our
// class in a virtual environment of their own. Where that cannot be made in time, it says so and counts as skipped.
import { environment } from "./lib/environment.mjs";
import { USERS_VENV } from "./lib/paths.mjs";
import { entry } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";
import { clearReports, closing, users } from "./lib/suites.mjs";

const USERS = {
  title: "users' environment",
  folder: USERS_VENV,
  lock: "python/requirements-users.lock",
  editable: true,
};

await entry(async (args) => {
  await setup();
  clearReports();
  const missing = await environment(USERS);
  if (missing === undefined) return closing([await users(args)]);
  console.log(`users: skipped: ${missing}`);
  closing([{ title: "users", passed: 0, failed: 0, skipped: 1 }]);
  return 0;
});

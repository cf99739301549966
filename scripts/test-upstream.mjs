// npm run test:upstream [-- ARGS for pytest]: what only the real PyNNDescent can say. Its own tests on our class, the
// contract's tests on its class, and the stored golden values against its. It compiles for minutes.
import { entry } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";
import { clearReports, closing, upstream } from "./lib/suites.mjs";

await entry(async (args) => {
  await setup();
  clearReports();
  return closing(await upstream(args));
});

// npm run soak -- ARGS
import { VENV_PYTHON } from "./lib/paths.mjs";
import { entry, run } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";

await entry(async (args) => {
  await setup();
  return run(VENV_PYTHON, ["bench/soak.py", ...args]);
});

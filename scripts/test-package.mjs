// npm run test:package [-- ARGS for vitest]: makes the packages, installs them as a user would into empty folders and an
// empty virtual environment, and uses them there. What needs a registry that is not reached says so and counts as skipped.
import { writeFileSync } from "node:fs";
import { makePackages } from "./lib/package/index.mjs";
import { wheelhouse } from "./lib/package/wheelhouse.mjs";
import { MADE } from "./lib/paths.mjs";
import { entry, Problem } from "./lib/run.mjs";
import { BUILD, setup } from "./lib/setup.mjs";
import { clearReports, closing, packages } from "./lib/suites.mjs";

async function made() {
  const all = await makePackages();
  const made = all.wheel === undefined ? all : { ...all, ...(await wheelhouse()) };
  if (made.missing !== undefined) console.log(`package: skipped: ${made.missing}`);
  return made;
}

await entry(async (args) => {
  await setup(BUILD);
  clearReports();
  try {
    writeFileSync(MADE, JSON.stringify(await made()));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(error.message);
    return closing([{ title: "package", passed: 0, failed: 1, skipped: 0 }]);
  }
  return closing([await packages(args)]);
});

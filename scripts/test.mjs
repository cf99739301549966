// npm test [-- rust|typescript|python [ARGS for its runner]]: all suites, or one. Ends with the sum of all counts.
import { entry, Problem } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";
import { clearReports, suites, sum } from "./lib/suites.mjs";

function chosen([name, ...args]) {
  if (name === undefined) return Object.entries(suites).map(([title, suite]) => [title, () => suite([])]);
  if (!(name in suites)) throw new Problem(`unknown suite "${name}", allowed: ${Object.keys(suites).join(", ")}`);
  return [[name, () => suites[name](args)]];
}

await entry(async (args) => {
  const picked = chosen(args);
  await setup();
  clearReports();
  const seen = [];
  for (const [title, suite] of picked) {
    console.log(`\ntest: ${title}`);
    seen.push({ title, ...(await suite()) });
  }
  console.log();
  for (const { title, passed, failed, skipped } of seen) {
    console.log(`${title}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  const { passed, failed, skipped } = sum(seen);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0 ? 0 : 1;
});

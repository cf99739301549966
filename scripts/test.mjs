// npm test [-- rust|typescript|python [ARGS for its runner]]: all suites, or one. Ends with the sum of all counts.
import { entry, Problem } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";
import { clearReports, closing, suites } from "./lib/suites.mjs";

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
  return closing(seen);
});

// What CI runs: every part, also after one has failed. Ends with how each part ended and the sum of all counts.
import { entry, runTee } from "./lib/run.mjs";
import { countClosing, sum } from "./lib/suites.mjs";

const PARTS = ["check", "test", "test:upstream", "test:users", "test:package"];

async function runPart(part) {
  console.log(`\nci: ${part}`);
  const start = performance.now();
  let text = "";
  const collect = (more) => {
    text += more;
  };
  const code = await runTee("npm", ["run", "--silent", part], collect, { shell: process.platform === "win32" });
  return { part, code, seconds: Math.round((performance.now() - start) / 1000), ...countClosing(text) };
}

await entry(async () => {
  const ended = [];
  for (const part of PARTS) ended.push(await runPart(part));
  console.log();
  for (const { part, code, seconds } of ended) console.log(`ci: ${part}: exit code ${code} after ${seconds} s`);
  const { passed, failed, skipped } = sum(ended);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return ended.every(({ code }) => code === 0) ? 0 : 1;
});

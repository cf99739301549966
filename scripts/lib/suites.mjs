// The test suites. Counts come from the runners' own reports, so that the closing line cannot claim
// what has not run: a suite that breaks before its first test counts as one failure.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CACHE, ROOT, USERS_PYTHON, VENV_PYTHON } from "./paths.mjs";
import { run, runTee } from "./run.mjs";

const REPORTS = join(CACHE, "reports");

/** Empties the folder of reports: an old one must not stand in for a run that broke. */
export function clearReports() {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
}

export const suites = {
  rust: runRust,
  typescript: runTypeScript,
  python: runPython,
};

async function runRust(args) {
  let text = "";
  const collect = (more) => {
    text += more;
  };
  const code = await runTee(
    "cargo",
    ["test", "--workspace", "--profile", "checked", "--no-fail-fast", ...args],
    collect,
  );
  return settled(code, countRust(text));
}

/** Sums the "test result:" lines that the test harness ends each binary with. */
export function countRust(text) {
  const line = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm;
  return sum([...text.matchAll(line)].map(([, passed, failed, skipped]) => counts(passed, failed, skipped)));
}

function runTypeScript(args) {
  return runVitest(["--reporter=default", ...args]);
}

async function runVitest(args) {
  const file = join(REPORTS, "vitest.json");
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const code = await run(process.execPath, [vitest, "run", "--reporter=json", `--outputFile.json=${file}`, ...args]);
  return settled(code, read(file, countVitest));
}

/** Counts of vitest's JSON report; a file that could not be loaded has no tests and counts as a failure. */
export function countVitest(text) {
  const report = JSON.parse(text);
  const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const skipped = report.numPendingTests + report.numTodoTests;
  return counts(report.numPassedTests, report.numFailedTests + broken.length, skipped);
}

function runPython(args) {
  return runPytest(VENV_PYTHON, ["test/python", ...args]);
}

async function runPytest(python, args) {
  const file = join(REPORTS, "pytest.xml");
  const code = await run(python, ["-m", "pytest", `--junitxml=${file}`, ...args]);
  return settled(code, read(file, countPytest));
}

/** The Python tests that need the real PyNNDescent, and its own tests run on our class; deselected ones are skipped. */
export async function upstream(args) {
  const summary = join(CACHE, "upstream", "summary.json");
  rmSync(summary, { force: true });
  const ours = await runPytest(VENV_PYTHON, ["test/python", "-m", "upstream", ...args]);
  const theirs = read(summary, JSON.parse);
  return [
    { title: "contract on PyNNDescent", ...ours },
    { title: "PyNNDescent's own tests on our class", ...theirs },
  ];
}

/** The tests of packages that are only in the users' environment. */
export async function users(args) {
  return { title: "users", ...(await runPytest(USERS_PYTHON, ["test/python/users/heavy", "--users", ...args])) };
}

/** The tests of what `npm run package` made, each told with its time or why it was skipped. */
export async function packages(args) {
  const config = ["--config", join("test", "package", "vitest.config.ts"), "--root", ROOT];
  return { title: "package", ...(await runVitest(["--reporter=verbose", ...config, ...args])) };
}

/** Counts of a JUnit report. */
export function countPytest(text) {
  const suitesSeen = [...text.matchAll(/<testsuite\s[^>]*>/g)].map(([tag]) => {
    const number = (name) => Number(tag.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
    const failed = number("failures") + number("errors");
    return counts(number("tests") - failed - number("skipped"), failed, number("skipped"));
  });
  return sum(suitesSeen);
}

function read(file, count) {
  try {
    return count(readFileSync(file, "utf8"));
  } catch {
    return counts(0, 0, 0);
  }
}

/** A runner that failed without a failed test of its own counts as one. */
function settled(code, seen) {
  return code !== 0 && seen.failed === 0 ? { ...seen, failed: 1 } : seen;
}

function counts(passed, failed, skipped) {
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

export function sum(all) {
  const add = (a, b) => counts(a.passed + b.passed, a.failed + b.failed, a.skipped + b.skipped);
  return all.reduce(add, counts(0, 0, 0));
}

/** Prints what each suite counted and then their sum; the exit code. */
export function closing(seen) {
  console.log();
  for (const { title, passed, failed, skipped } of seen) {
    console.log(`${title}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  const { passed, failed, skipped } = sum(seen);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed + skipped > 0 ? 0 : 1;
}

/** The counts of the last closing line in a text; zeros where there is none. */
export function countClosing(text) {
  const [, passed, failed, skipped] = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1) ?? [];
  return counts(passed ?? 0, failed ?? 0, skipped ?? 0);
}

// What the wheel is tried with: the packages it depends on, and umap-learn, fetched once so that the trial itself needs no
// registry and cannot pass by what happens to be in one.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CACHE, PACKAGE_PYTHON } from "../paths.mjs";
import { run } from "../run.mjs";
import { hashOf, readStamp, writeStamp } from "../stamp.mjs";

const LOCK = "python/requirements-wheel.lock";
const SECONDS = 300;

/** `{ wheels }`, a folder, or `{ missing }` with why there is none. */
export async function wheelhouse() {
  const wheels = join(CACHE, "package", "wheels");
  const stamp = join(wheels, ".hash");
  const hash = hashOf([LOCK, "python/requirements-package.lock"]);
  if (readStamp(stamp) === hash) return { wheels };
  console.log("package: fetching what the wheel is tried with ...");
  rmSync(wheels, { recursive: true, force: true });
  mkdirSync(wheels, { recursive: true });
  const pip = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary",
    ":all:",
  ];
  const code = await run(PACKAGE_PYTHON, [...pip, "-d", wheels, "-r", LOCK], { timeout: SECONDS * 1000 });
  if (code !== 0)
    return { missing: `the packages of ${LOCK} could not be fetched within ${SECONDS} s (exit code ${code})` };
  writeStamp(stamp, hash);
  return { wheels };
}

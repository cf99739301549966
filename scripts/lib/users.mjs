// The virtual environment of the users' tests: their packages are many and large, so nobody else waits for them.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { ROOT, USERS_PYTHON, USERS_VENV } from "./paths.mjs";
import { capture, run } from "./run.mjs";
import { hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { findPython } from "./tools.mjs";

const LOCK = "python/requirements-users.lock";
const STAMP = join(USERS_VENV, ".hnsw-bridge.hash");
const SECONDS = 600;

/** Makes the environment if it is stale. Resolves with why there is none, or with undefined. */
export async function usersEnvironment() {
  if (!existsSync(join(ROOT, LOCK))) return `${LOCK} is not there`;
  const hash = hashOf([LOCK, "python/pyproject.toml"]);
  if (readStamp(STAMP) === hash && capture(USERS_PYTHON, ["-c", ""]) !== undefined) return undefined;
  return withLock(() => make(hash));
}

async function make(hash) {
  console.log("setup: users' environment (.venv-users) ...");
  const start = performance.now();
  rmSync(USERS_VENV, { recursive: true, force: true });
  for (const [command, ...args] of steps()) {
    const left = Math.round(SECONDS * 1000 - (performance.now() - start));
    const code = await run(command, args, { timeout: Math.max(1, left) });
    if (performance.now() - start > SECONDS * 1000) return `its packages were not installed within ${SECONDS} s`;
    if (code !== 0) return `its packages do not install here (exit code ${code} of ${args.slice(0, 3).join(" ")})`;
  }
  writeStamp(STAMP, hash);
  console.log(`setup: users' environment (.venv-users): ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return undefined;
}

function steps() {
  const pip = [USERS_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  return [
    [findPython().command, "-m", "venv", USERS_VENV],
    [...pip, "-r", LOCK],
    [...pip, "--no-deps", "-e", "python"],
  ];
}

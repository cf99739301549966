// Virtual environments beside the checkout's own, for what needs packages that nobody else should wait for. Each is made
// from a lock file when it is first asked for, and again when that has changed.
import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { withLock } from "./lock.mjs";
import { pythonOf, ROOT } from "./paths.mjs";
import { capture, run } from "./run.mjs";
import { hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { findPython } from "./tools.mjs";

const SECONDS = 600;

/**
 * Makes `folder` from `lock`, with this checkout's package in it if `editable`, unless it is up to date. Resolves with why
 * there is none, or with undefined.
 */
export async function environment({ title, folder, lock, editable = false }) {
  if (!existsSync(join(ROOT, lock))) return `${lock} is not there`;
  const hash = hashOf(editable ? [lock, "python/pyproject.toml"] : [lock]);
  const stamp = join(folder, ".hnsw-bridge.hash");
  const python = pythonOf(folder);
  if (readStamp(stamp) === hash && capture(python, ["-c", ""]) !== undefined) return undefined;
  return withLock(async () => {
    const name = `${title} (${basename(folder)})`;
    console.log(`setup: ${name} ...`);
    const start = performance.now();
    rmSync(folder, { recursive: true, force: true });
    const missing = await runWithin(SECONDS, steps({ folder, python, lock, editable }));
    if (missing !== undefined) return missing;
    writeStamp(stamp, hash);
    console.log(`setup: ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return undefined;
  });
}

async function runWithin(seconds, commands) {
  const end = performance.now() + seconds * 1000;
  for (const [command, ...args] of commands) {
    const code = await run(command, args, { timeout: Math.max(1, Math.round(end - performance.now())) });
    if (performance.now() > end) return `its packages were not installed within ${seconds} s`;
    if (code !== 0) return `its packages do not install here (exit code ${code} of ${args.slice(0, 3).join(" ")})`;
  }
  return undefined;
}

function steps({ folder, python, lock, editable }) {
  const pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  const steps = [
    [findPython().command, "-m", "venv", folder],
    [...pip, "-r", lock],
  ];
  return editable ? [...steps, [...pip, "--no-deps", "-e", "python"]] : steps;
}

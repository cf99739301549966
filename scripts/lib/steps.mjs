// The steps of a setup: Node packages, addon, dist, virtual environment. Each knows whether it is stale.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { NODE_BIN as BIN, CACHE, ROOT, VENV, VENV_PYTHON } from "./paths.mjs";
import { capture, mustRun, Problem, run } from "./run.mjs";
import { hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { findPython } from "./tools.mjs";

const IS_WINDOWS = process.platform === "win32";

/** `npm ci` when the lock file is newer than what is installed. */
export const packages = {
  title: "Node packages",
  isStale() {
    const installed = join(ROOT, "node_modules", ".package-lock.json");
    return !existsSync(installed) || mtime(installed) < mtime(join(ROOT, "package-lock.json"));
  },
  make: () => mustRun("npm", ["ci", "--no-audit", "--no-fund"], { shell: IS_WINDOWS }),
};

function mtime(file) {
  return statSync(file).mtimeMs;
}

/** A step whose inputs are hashed and whose stamp lies in the cache. */
function hashed({ title, name, inputs, extra = () => [], isThere, make }) {
  const stamp = join(CACHE, `${name}.hash`);
  const hash = () => hashOf(inputs, [process.platform, process.arch, ...extra()]);
  return {
    title,
    isStale: () => !isThere() || readStamp(stamp) !== hash(),
    async make() {
      const before = hash();
      await make();
      writeStamp(stamp, before);
    },
  };
}

/** The release build of the addon, into native/. */
export const addon = hashed({
  title: "addon (cargo, release)",
  name: "addon",
  inputs: ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo", "crates"],
  extra: () => [capture("rustc", ["--version"]) ?? ""],
  isThere: () => existsSync(join(ROOT, "native")) && readdirSync(join(ROOT, "native")).some((f) => f.endsWith(".node")),
  make: buildAddon,
});

async function buildAddon() {
  // A new file is moved into place: overwriting one that a process has loaded would crash that process.
  const fresh = join("native", ".fresh");
  rmSync(join(ROOT, fresh), { recursive: true, force: true });
  const where = ["--cwd", ".", "--manifest-path", "crates/node/Cargo.toml", "--package-json-path", "package.json"];
  await mustRun(join(BIN, "napi"), ["build", "--release", "--platform", "--no-js", ...where, "--output-dir", fresh], {
    shell: IS_WINDOWS,
  });
  for (const name of readdirSync(join(ROOT, fresh)).filter((file) => file.endsWith(".node"))) {
    renameSync(join(ROOT, fresh, name), join(ROOT, "native", name));
  }
  rmSync(join(ROOT, fresh), { recursive: true, force: true });
}

/** The JavaScript of API and service, into dist/. */
export const dist = hashed({
  title: "dist (tsdown)",
  name: "dist",
  inputs: ["src", "bridge", "package.json", "package-lock.json", "tsconfig.json", "tsdown.config.ts"],
  isThere: () =>
    ["index.js", "bridge.js", "cli.js", "pyodide.js"].every((name) => existsSync(join(ROOT, "dist", name))),
  make: buildDist,
});

async function buildDist() {
  // Built aside and swapped in, so that a program started meanwhile finds the old or the new one, whole.
  const [fresh, old, place] = ["dist-fresh", "dist-old", "dist"].map((name) => join(ROOT, name));
  for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  await mustRun(join(BIN, "tsdown"), ["--out-dir", fresh, "--logLevel", "warn"], { shell: IS_WINDOWS });
  if (existsSync(place)) renameSync(place, old);
  renameSync(fresh, place);
  rmSync(old, { recursive: true, force: true });
}

const VENV_STAMP = join(VENV, ".hnsw-bridge.hash");

/** The virtual environment: locked dependencies and the Python package in editable form. */
export const python = {
  title: "Python environment (.venv)",
  isStale: () => capture(VENV_PYTHON, ["-c", ""]) === undefined || readStamp(VENV_STAMP) !== venvHash(),
  async make() {
    const before = venvHash();
    await makeVenv();
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    await mustRun(VENV_PYTHON, [...pip, "-r", "python/requirements.lock"]);
    await mustRun(VENV_PYTHON, [...pip, "--no-deps", "-e", "python"]);
    writeStamp(VENV_STAMP, before);
  },
};

function venvHash() {
  return hashOf(["python/requirements.lock", "python/pyproject.toml"]);
}

async function makeVenv() {
  if (capture(VENV_PYTHON, ["-m", "pip", "--version"]) !== undefined) return;
  rmSync(VENV, { recursive: true, force: true });
  const { command, version } = findPython();
  mkdirSync(VENV, { recursive: true });
  if ((await run(command, ["-m", "venv", VENV])) === 0) return;
  rmSync(VENV, { recursive: true, force: true });
  const minor = version.split(".").slice(0, 2).join(".");
  throw new Problem(`Python's venv module is needed; Debian and Ubuntu have it in the package python${minor}-venv`);
}

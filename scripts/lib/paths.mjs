// Places in the checkout that more than one script needs.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const CACHE = join(ROOT, "node_modules", ".cache", "hnsw-bridge");
export const NODE_BIN = join(ROOT, "node_modules", ".bin");
export const VENV = join(ROOT, ".venv");
export const VENV_PYTHON = pythonOf(VENV);
export const USERS_VENV = join(ROOT, ".venv-users");
export const USERS_PYTHON = pythonOf(USERS_VENV);
export const PACKAGE_VENV = join(ROOT, ".venv-package");
export const PACKAGE_PYTHON = pythonOf(PACKAGE_VENV);
/** What `npm run package` makes. */
export const PACKAGES = join(ROOT, "out", "package");
/** Where `npm run test:package` tells its tests what was made. */
export const MADE = join(CACHE, "package", "made.json");

export function pythonOf(environment) {
  return process.platform === "win32" ? join(environment, "Scripts", "python.exe") : join(environment, "bin", "python");
}

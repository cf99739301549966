// Places in the checkout that more than one script needs.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const CACHE = join(ROOT, "node_modules", ".cache", "hnsw-bridge");
export const VENV = join(ROOT, ".venv");
export const VENV_PYTHON = pythonOf(VENV);
export const USERS_VENV = join(ROOT, ".venv-users");
export const USERS_PYTHON = pythonOf(USERS_VENV);

function pythonOf(environment) {
  return process.platform === "win32" ? join(environment, "Scripts", "python.exe") : join(environment, "bin", "python");
}

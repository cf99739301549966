// The checks of `npm run check` and the commands of `npm run format`: one list per language.
import { delimiter, dirname, join } from "node:path";
import { NODE_BIN, ROOT, VENV_PYTHON } from "./paths.mjs";
import { capture } from "./run.mjs";

const SHELL = { shell: process.platform === "win32" };
const ARM = "aarch64-unknown-linux-gnu";

const biome = (...args) => ({ command: join(NODE_BIN, "biome"), args, options: SHELL });
const pythonModule = (...args) => ({ command: VENV_PYTHON, args: ["-m", ...args] });
const ruff = (...args) => pythonModule("ruff", ...args, ".");

/** Tools that look themselves up (mypy its interpreter) find the virtual environment first. */
export const ENVIRONMENT = { ...process.env, PATH: [dirname(VENV_PYTHON), process.env.PATH].join(delimiter) };

/** `{ title, command, args }` each, or `{ title, skipped }` with the reason. */
export function checks() {
  return [
    { title: "rustfmt", command: "cargo", args: ["fmt", "--all", "--check"] },
    { title: "clippy", command: "cargo", args: ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"] },
    { title: `cargo check, ${ARM}`, ...armCheck() },
    { title: "biome", ...biome("check", ".") },
    { title: "tsc", command: join(NODE_BIN, "tsc"), args: ["--noEmit", "-p", "."], options: SHELL },
    { title: "ruff format", ...ruff("format", "--check") },
    { title: "ruff check", ...ruff("check") },
    {
      title: "mypy",
      ...pythonModule("mypy", "--config-file", "pyproject.toml"),
      options: { cwd: join(ROOT, "python") },
    },
  ];
}

function armCheck() {
  const installed = capture("rustup", ["target", "list", "--installed"])?.split("\n") ?? [];
  if (!installed.includes(ARM)) return { skipped: `the target is not installed (rustup target add ${ARM})` };
  return { command: "cargo", args: ["check", "--target", ARM, "-p", "hnsw-kernels", "-p", "hnsw-core"] };
}

export function formatters() {
  return [
    { title: "rustfmt", command: "cargo", args: ["fmt", "--all"] },
    { title: "biome", ...biome("check", "--write", ".") },
    { title: "ruff check", ...ruff("check", "--fix") },
    { title: "ruff format", ...ruff("format") },
  ];
}

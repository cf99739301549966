// Finds Node, Python and Rust, and says in one line which one is missing or too old.
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { VENV_PYTHON } from "./paths.mjs";
import { capture, Problem } from "./run.mjs";

const NODE = [20, 19];
const PYTHON = [3, 10];
// The first with stable AVX-512 intrinsics.
const RUST = [1, 89];

/** Throws a Problem unless all three are there; makes `cargo` callable by name. */
export function checkTools() {
  checkNode();
  checkRust();
  findPython();
}

function checkNode() {
  const seen = process.versions.node;
  if (!atLeast(seen, NODE)) throw new Problem(`Node ${NODE.join(".")} or newer is needed, this is ${seen}`);
}

function checkRust() {
  // rustup puts cargo here; a shell opened before its installation does not know yet.
  process.env.PATH = [process.env.PATH, join(homedir(), ".cargo", "bin")].join(delimiter);
  const wanted = `Rust ${RUST.join(".")} or newer (rustc and cargo) is needed`;
  const seen = capture("rustc", ["--version"])?.split(" ")[1];
  if (seen === undefined || capture("cargo", ["--version"]) === undefined)
    throw new Problem(`${wanted}, none was found`);
  if (!atLeast(seen, RUST)) throw new Problem(`${wanted}, this is ${seen}`);
}

let python;

/** A Python that is new enough: the one of the virtual environment, or one on the PATH. */
export function findPython() {
  python ??= searchPython();
  return python;
}

function searchPython() {
  const names = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
  const seen = [];
  for (const name of [VENV_PYTHON, ...names]) {
    const version = capture(name, ["-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"]);
    if (version !== undefined && atLeast(version, PYTHON)) return { command: name, version };
    if (version !== undefined) seen.push(version);
  }
  const found = seen.length > 0 ? `found ${[...new Set(seen)].join(", ")}` : "none was found";
  throw new Problem(`Python ${PYTHON.join(".")} or newer is needed, ${found}`);
}

function atLeast(version, [major, minor]) {
  const [a, b] = version.split(".").map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}

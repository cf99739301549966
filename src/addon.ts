/**
 * How the addon is found: a file that is named by its platform, in one of three places. What is in it is in native.ts.
 *
 *     beside the script              the server in the Python wheel
 *     ../native                      a checkout
 *     the package hnsw-bridge-NAME   npm, which installs the one for its platform
 */
import { createRequire } from "node:module";
import { arch, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { HnswError } from "./errors.ts";

/** As napi-rs names its targets. Linux has two C libraries; the file for the other one does not load. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "linux-x64": ["linux-x64-gnu", "linux-x64-musl"],
  "linux-arm64": ["linux-arm64-gnu", "linux-arm64-musl"],
  "darwin-x64": ["darwin-x64"],
  "darwin-arm64": ["darwin-arm64"],
  "win32-x64": ["win32-x64-msvc"],
  "win32-arm64": ["win32-arm64-msvc"],
};

/** The addon for the script at this URL. The error tells what was looked for, and what was wrong with each. */
export function loadAddon(script: string, system = `${platform}-${arch}`): unknown {
  const require = createRequire(script);
  const failures: Error[] = [];
  for (const place of (NAMES[system] ?? []).flatMap((name) => places(name, script))) {
    try {
      return require(place);
    } catch (error) {
      failures.push(new Error(`${place} (${reason(error)})`, { cause: error }));
    }
  }
  throw new HnswError("ERR_INTERNAL", `no addon for ${system} could be loaded: ${told(failures)}`, {
    cause: new AggregateError(failures),
  });
}

function places(name: string, script: string): string[] {
  const file = `hnsw-bridge.${name}.node`;
  const files = [`./${file}`, `../native/${file}`].map((place) => fileURLToPath(new URL(place, script)));
  return [...files, `hnsw-bridge-${name}`];
}

/** In one line, without the stack of requires that Node puts below it. */
function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "MODULE_NOT_FOUND" ? "not found" : String(message).split("\n", 1)[0] || "does not load";
}

function told(failures: readonly Error[]): string {
  if (failures.length === 0) return `there is none for this system, only for ${Object.keys(NAMES).join(", ")}`;
  const looked = failures.map(({ message }) => message).join(", ");
  return `looked for ${looked}; in a checkout "npm run build" makes it`;
}

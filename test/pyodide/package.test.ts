/** The built entry `hnsw-bridge/pyodide`: what it brings along. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ENTRY = fileURLToPath(new URL("../../dist/pyodide.js", import.meta.url));

/** The packages that a module imports, itself or by the files beside it. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^"]*"([^"]+)"/gm);
  return [...imports].flatMap(([, name = ""]) =>
    name.startsWith(".") ? packagesOf(join(dirname(file), name), seen) : [name],
  );
}

test("the transport of Pyodide loads neither ZeroMQ nor Arrow", () => {
  const packages = new Set(packagesOf(ENTRY).filter((name) => !name.startsWith("node:")));
  expect([...packages]).toEqual(["ndarray"]);
});

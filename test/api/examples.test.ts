/** The TypeScript examples of README and guide run as they are printed, on the built package as it is installed. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = join(ROOT, "docs/guide/examples");
const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith(".ts"));

const EXPECTED: Record<string, RegExp> = {
  "neighbors.ts": /^best hit: 0$/m,
  "cancel.ts": /^ERR_CANCELLED$/m,
  "sparse.ts": /^text 0 is nearest to text 2, at 0\.0\d\d\n"dog fish" is nearest to text 1$/m,
  "bits.ts": /^row 7, 2 bits differ$/m,
  "radius.ts": /^query 1: rows 820 780 819 821 860, the farthest at 1\n\d+ rows within \d\.\d\d\nwithin 10: about/m,
  "files.ts": /^row 0; sound: true, unreachable rows: 0$/m,
  "update.ts": /^1050 rows; the updated ones are 3 and 999$/m,
  "efforts.ts": /^hnsw, 10 widths, 24: 48 links of a row at most$/m,
  "filters.ts": /^0, -1, 2$/m,
  "deletes.ts": /^999 rows, 17 there: false, last of the graph: 1000$/m,
  "pyodide.ts": /^row 500 is nearest, at 0\.25$/m,
};

describe("examples", () => {
  let project: string;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "hnsw-examples-"));
    await mkdir(join(project, "node_modules"));
    await symlink(ROOT, join(project, "node_modules", "hnsw-bridge"), "junction");
    const pyodide = join(ROOT, "node_modules", "pyodide");
    await symlink(pyodide, join(project, "node_modules", "pyodide"), "junction");
  });
  afterAll(() => rm(project, { recursive: true, force: true }));

  test.for(names)("%s runs and prints what it says", async (name) => {
    // Examples hold no type annotations, so that they run as they are; `tsc` checks them in place.
    const file = join(project, name.replace(/\.ts$/, ".mjs"));
    await copyFile(join(EXAMPLES, name), file);
    const { stdout } = await run(process.execPath, [file]);
    expect(stdout).toMatch(EXPECTED[name] ?? /unlisted example: add what it prints/);
  });
});

/** Python in Pyodide with the engine of this process, and ordinary Python with a server. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { loadPyodide, type PyodideAPI } from "pyodide";
import { install } from "../../bridge/pyodide.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PYTHON = join(ROOT, ".venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
const PROGRAM = join(ROOT, "test/python/programs/answers.py");

/** Whether there is an ordinary Python to compare with. */
export const hasPython = existsSync(PYTHON);

/** A folder with packages for Pyodide, or undefined. */
export const packages = process.env.PYODIDE_PACKAGES || undefined;

/** What the program prints: answers by topic and case, and what the engine tells of itself. */
export interface Report {
  readonly answers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly server: { readonly pid?: number; readonly calls: Readonly<Record<string, number>> };
}

/** Pyodide with the package installed. */
export async function python(): Promise<PyodideAPI> {
  const pyodide = await loadPyodide();
  install(pyodide);
  return pyodide;
}

/** The same with numpy, from the folder of packages. */
export async function pythonWithNumpy(folder: string): Promise<PyodideAPI> {
  const pyodide = await python();
  const wheel = readdirSync(folder).find((name) => /^numpy-.*\.whl$/.test(name));
  if (wheel === undefined) throw new Error(`no numpy-*.whl in PYODIDE_PACKAGES, ${folder}`);
  await pyodide.loadPackage(pathToFileURL(join(folder, wheel)).href, { messageCallback: () => {} });
  return pyodide;
}

/** The program's report in Pyodide. */
export function reportInPyodide(pyodide: PyodideAPI): Report {
  const globals = pyodide.toPy({ __name__: "answers" });
  pyodide.runPython(readFileSync(PROGRAM, "utf8"), { globals });
  return JSON.parse(pyodide.runPython("report()", { globals }));
}

/** The same program's report on ordinary Python, which starts a server. */
export async function reportOverZeroMQ(): Promise<Report> {
  return JSON.parse(await runPython([PROGRAM]));
}

/** Runs ordinary Python on the built package; what it prints. */
export async function runPython(args: readonly string[], input = ""): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HNSW_BRIDGE"));
  const env = { ...Object.fromEntries(inherited), PYTHONPATH: join(ROOT, "python") };
  const running = promisify(execFile)(PYTHON, args, { env, maxBuffer: 1 << 26 });
  running.child.stdin?.end(input);
  return (await running).stdout;
}

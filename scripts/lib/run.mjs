// Child processes: with their output shown, or captured.
import { spawn, spawnSync } from "node:child_process";
import { ROOT } from "./paths.mjs";

/** A problem that one line explains; no stack is shown for it. */
export class Problem extends Error {}

const children = new Set();

function start(command, args, options) {
  const child = spawn(command, args, { cwd: ROOT, ...options });
  children.add(child);
  for (const end of ["error", "close"]) child.once(end, () => children.delete(child));
  return child;
}

/** Runs a command in the checkout with its output shown; resolves with its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, { stdio: "inherit", ...options });
    child.once("error", (error) => reject(new Problem(`${command} could not be started: ${error.message}`)));
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}

/** As `run`; a failure is a problem. */
export async function mustRun(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new Problem(`"${[command, ...args].join(" ")}" failed with exit code ${code}`);
}

/** As `mustRun`, with the output shown only when it fails. */
export function mustRunQuietly(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", maxBuffer: 2 ** 26, ...options });
  if (result.error === undefined && result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  const how = result.error?.message ?? `exit code ${result.status}`;
  throw new Problem(`"${[command, ...args].join(" ")}" failed: ${how}`);
}

/** As `run`, with the output shown and also handed to `onText`. */
export function runTee(command, args, onText, options = {}) {
  const tee = (stream, target) =>
    stream.on("data", (data) => {
      target.write(data);
      onText(data.toString());
    });
  return new Promise((resolve, reject) => {
    const child = start(command, args, { stdio: ["inherit", "pipe", "pipe"], ...options });
    tee(child.stdout, process.stdout);
    tee(child.stderr, process.stderr);
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

/** What a command prints, trimmed; undefined if it is missing or fails. */
export function capture(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", timeout: 20_000 });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Runs `main` and exits with its code; problems are told in one line. */
export async function entry(main) {
  // Ctrl-C reaches the children by itself; they decide how to end, and this process with them.
  process.on("SIGINT", () => children.size > 0 || process.exit(130));
  process.on("SIGTERM", () => {
    for (const child of children) child.kill("SIGTERM");
    if (children.size === 0) process.exit(143);
  });
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0;
  } catch (error) {
    console.error(error instanceof Problem ? error.message : error);
    process.exitCode = 1;
  }
}

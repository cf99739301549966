/** What was made, and running programs with it in folders of their own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { MADE } from "../../scripts/lib/paths.mjs";

export interface Made {
  readonly npm: { main: string; platforms: { addon: string; tarball: string }[] };
  /** The wheel, and its platform tag. */
  readonly wheel?: string;
  readonly tag?: string;
  /** A folder with what the wheel depends on, and umap-learn. */
  readonly wheels?: string;
  /** Why one of the three is not there. */
  readonly missing?: string;
}

export const made: Made = JSON.parse(readFileSync(MADE, "utf8"));

/** The package with this machine's addon; native/ may have held those of others too. */
export const here = made.npm.platforms.find(({ addon }) => addon.includes(`.${process.platform}-${process.arch}`));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly output: string;
}

/** Runs a command in a folder; `env` is its whole environment. */
export async function run(command: string, args: string[], cwd: string, env = outside()): Promise<Ended> {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, stdout, output: stdout + stderr };
}

/** As `run`; what it printed on standard output. A failure throws all that it printed. */
export async function mustRun(...call: Parameters<typeof run>): Promise<string> {
  const { code, stdout, output } = await run(...call);
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(" ")} ended with ${code}:\n${output}`);
  return stdout;
}

/** This environment without what npm tells its scripts about the checkout. */
function outside(): NodeJS.ProcessEnv {
  const told = /^npm_(package|lifecycle|config_(local_)?prefix)|^INIT_CWD$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !told.test(name)));
}

/** An empty folder far from the checkout. Whoever asks removes it. */
export function emptyFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "hnsw-package-")));
}

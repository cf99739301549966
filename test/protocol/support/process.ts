/** The command line as a real process, from the built package. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

export const CLI = fileURLToPath(new URL("../../../dist/cli.js", import.meta.url));
if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run "npm run build" first`);

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Ready {
  readonly endpoint: string;
  readonly pid: number;
  readonly protocol: number;
  readonly version: string;
}

/** A running command with what it has printed. */
export class Command {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const inherited = { ...process.env, HNSW_BRIDGE_TOKEN: undefined, HNSW_BRIDGE_ENDPOINT: undefined };
    this.process = spawn(process.execPath, [CLI, ...args], { env: { ...inherited, ...env }, stdio: "pipe" });
    this.process.stdout?.on("data", (text) => {
      this.stdout += text;
    });
    this.process.stderr?.on("data", (text) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.process.on("close", (status, signal) =>
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr }),
      );
    });
  }

  /** The ready line, parsed. Rejects when the process ends before it. */
  async ready(): Promise<Ready> {
    const line = new Promise<string>((resolve) => {
      const look = () => {
        if (this.stdout.includes("\n")) resolve(this.stdout);
      };
      this.process.stdout?.on("data", look);
      look();
    });
    const died = this.ended.then(({ stderr }) => Promise.reject(new Error(`ended before it was ready: ${stderr}`)));
    return JSON.parse(await Promise.race([line, died]));
  }
}

/** Gives functions that make processes and directories for one test and clear them away after it. */
export function useProcesses() {
  const commands: Command[] = [];
  const directories: string[] = [];
  afterEach(async () => {
    for (const { process: child, ended } of commands.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });
  return {
    start(args: readonly string[], env?: NodeJS.ProcessEnv): Command {
      const command = new Command(args, env);
      commands.push(command);
      return command;
    },
    directory(): string {
      const directory = mkdtempSync(join(tmpdir(), "hnsw-test-"));
      directories.push(directory);
      return directory;
    },
  };
}

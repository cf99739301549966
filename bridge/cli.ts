#!/usr/bin/env node
/** The command line: picks a command, parses its options, turns failures into one line and an exit status. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { runKeygen, runPing, runStats, runVersion } from "./commands.ts";
import { toFailure } from "./errors.ts";
import { UsageError, type Values } from "./flags.ts";
import { runServe } from "./serve-command.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

interface Command {
  readonly run: (values: Values) => Promise<void>;
  readonly options: Options;
}

const COMMON: Options = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } };
const TOKEN: Options = { "token-file": { type: "string" } };
const REMOTE: Options = {
  endpoint: { type: "string" },
  timeout: { type: "string" },
  "server-key": { type: "string" },
  ...TOKEN,
};

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    "serve",
    {
      run: runServe,
      options: {
        ipc: { type: "string" },
        tcp: { type: "string" },
        "curve-key": { type: "string" },
        "parent-stdin": { type: "boolean" },
        "log-level": { type: "string" },
        "log-format": { type: "string" },
        metrics: { type: "string" },
        threads: { type: "string" },
        "max-memory": { type: "string" },
        "max-clients": { type: "string" },
        "max-indexes": { type: "string" },
        "allow-path": { type: "string", multiple: true },
        ...TOKEN,
      },
    },
  ],
  ["ping", { run: runPing, options: REMOTE }],
  ["stats", { run: runStats, options: REMOTE }],
  ["keygen", { run: runKeygen, options: { out: { type: "string" } } }],
  ["version", { run: runVersion, options: {} }],
]);

const HELP = `hnsw-bridge: a nearest-neighbour service over ZeroMQ and Arrow

Usage
  hnsw-bridge serve  [--ipc auto | --ipc DIR | --tcp HOST:PORT] [options]
  hnsw-bridge ping   --endpoint ADDRESS [options]
  hnsw-bridge stats  --endpoint ADDRESS [options]
  hnsw-bridge keygen [--out NAME]
  hnsw-bridge version

serve runs a server until SIGINT or SIGTERM
  --ipc auto          listen in a fresh private directory, removed at exit (default)
  --ipc DIR           listen in DIR: yours, mode 0700; made if missing
  --tcp HOST:PORT     listen at a port, 0 for any free one; needs a token,
                      and beyond loopback a CURVE key
  --token-file FILE   clients must present this file's content (mode 0600);
                      for tcp also HNSW_BRIDGE_TOKEN in the environment
  --curve-key FILE    encrypt with this secret key, made by keygen (mode 0600)
  --allow-path DIR    rows may be read from .npy and Arrow files below DIR;
                      may be given more than once (default: nowhere)
  --max-memory BYTES  memory the process may have, as 8G or 500M
                      (default: a request may have 80 % of what is free)
  --max-clients N     connections at once (default 4096)
  --max-indexes N     indexes of all clients together (default 65536)
  --threads N         threads of one computation (default: all cores)
  --metrics HOST:PORT counters for Prometheus at http://HOST:PORT/metrics, on loopback
  --parent-stdin      stop when standard input ends
  --log-level LEVEL   error, warn, info (default) or debug, on standard error
  --log-format FORMAT line (default) or json

ping and stats ask a running server
  --endpoint ADDRESS  as printed by serve; or set HNSW_BRIDGE_ENDPOINT
  --token-file FILE   the token it asks for; or set HNSW_BRIDGE_TOKEN
  --server-key FILE   its public CURVE key; or set HNSW_BRIDGE_SERVER_KEY to the key
  --timeout SECONDS   wait for an answer (default 5)

keygen makes a server's pair of CURVE keys
  --out NAME          writes NAME.key (public) and NAME.key_secret (mode 0600);
                      default hnsw-bridge. Files that are there are kept.

All commands
  --json              one line of JSON on standard output
  --help              this text

Exit status: 0 done, 1 failed (one line on standard error says why), 2 wrong usage
`;

async function main(args: string[]): Promise<number> {
  const [name = "", ...rest] = args;
  if (["--help", "-h", "help"].includes(name)) return help();
  const command = COMMANDS.get(name === "--version" ? "version" : name);
  if (command === undefined) throw new UsageError(name === "" ? "no command given" : `unknown command ${name}`);
  const values = parse(rest, command);
  if (values.help === true) return help();
  await command.run(values);
  return 0;
}

function parse(args: string[], command: Command): Values {
  try {
    return parseArgs({ args, options: { ...COMMON, ...command.options }, strict: true }).values as Values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function help(): number {
  process.stdout.write(HELP);
  return 0;
}

function failed(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`hnsw-bridge: ${error.message}\nTry hnsw-bridge --help\n`);
    return 2;
  }
  const { code, message, unexpected } = toFailure(error);
  const text = unexpected && error instanceof Error ? error.message : message;
  process.stderr.write(`hnsw-bridge: ${code}: ${text}\n`);
  return 1;
}

// exit() rather than running out of work: an inherited standard input would keep the process alive.
process.exit(await main(process.argv.slice(2)).catch(failed));

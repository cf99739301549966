/**
 * The service as a library: `serve()` runs a server inside this process.
 *
 * Layers, each using only those above it in this list: protocol data (limits, header, errors, arrow/),
 * transfer (credits, placement, promised, upload, received, download), state (values, session, connection, call), operations,
 * dispatch, server, command line. Beside them, for a Python in the same process: heap, in-process, pyodide.
 * Everything below works on the TypeScript API of `src/`; native code,
 * algorithms and Python's conventions may not enter this folder. docs/protocol.md is the specification.
 */
export type { Limits } from "./limits.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export type { Log, LogLevel } from "./log.ts";
export { stderrLog } from "./log.ts";
export type { RunningServer, ServeOptions } from "./server.ts";
export { serve } from "./server.ts";
export { PROTOCOL, VERSION } from "./version.ts";

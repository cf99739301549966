/**
 * Log lines on standard error: `time level event key=value`. Never row data, tokens or session secrets;
 * standard output belongs to the ready line.
 */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Log = (level: LogLevel, event: string, fields?: Record<string, unknown>) => void;

/** A log that writes lines of `threshold` and above to standard error. */
export function stderrLog(threshold: LogLevel): Log {
  const most = LOG_LEVELS.indexOf(threshold);
  return (level, event, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) > most) return;
    const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${quote(value)}`);
    process.stderr.write(`${new Date().toISOString()} ${level} ${event}${pairs.join("")}\n`);
  };
}

/** Strings from clients are quoted, so that they cannot forge a line. */
function quote(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(String(value));
}

export const silentLog: Log = () => {};

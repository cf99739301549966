/**
 * The log on standard error: lines `time level event key=value`, or JSON objects. Never row data, tokens or session
 * secrets; standard output belongs to the ready line.
 */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Log = (level: LogLevel, event: string, fields?: Record<string, unknown>) => void;

export const LOG_FORMATS = ["line", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A log that writes what is of `threshold` and above to standard error. */
export function stderrLog(threshold: LogLevel, format: LogFormat = "line"): Log {
  const most = LOG_LEVELS.indexOf(threshold);
  const text = format === "json" ? json : line;
  return (level, event, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) > most) return;
    process.stderr.write(`${text(new Date().toISOString(), level, event, fields)}\n`);
  };
}

type Fields = Readonly<Record<string, unknown>>;

function line(time: string, level: LogLevel, event: string, fields: Fields): string {
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${quote(value)}`);
  return `${time} ${level} ${event}${pairs.join("")}`;
}

/** One object a line. Fields cannot take the place of the first three. */
function json(time: string, level: LogLevel, event: string, fields: Fields): string {
  const plain = Object.entries(fields).map(([key, value]) => [key, typeof value === "number" ? value : String(value)]);
  return JSON.stringify({ ...Object.fromEntries(plain), time, level, event });
}

/** Strings from clients are quoted, so that they cannot forge a line. */
function quote(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(String(value));
}

export const silentLog: Log = () => {};

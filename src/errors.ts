/** Every code an {@link HnswError} can have; the same strings in Rust, on the wire and in Python. */
export const ERROR_CODES = [
  "ERR_INVALID_ARGUMENT",
  "ERR_DIMENSION_MISMATCH",
  "ERR_NON_FINITE",
  "ERR_UNKNOWN_METRIC",
  "ERR_EMPTY_INDEX",
  "ERR_UNKNOWN_ID",
  "ERR_OUT_OF_MEMORY",
  "ERR_CANCELLED",
  "ERR_TIMEOUT",
  "ERR_CLOSED",
  "ERR_SERVER_DIED",
  "ERR_UNAUTHORIZED",
  "ERR_PROTOCOL",
  "ERR_CORRUPT_FILE",
  "ERR_FILE",
  "ERR_UNSUPPORTED_VERSION",
  "ERR_INTERNAL",
] as const;

/** A stable name for one kind of failure. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * What every call of this package fails with. `message` says what was wrong, the value seen and what is
 * allowed; it is for people. Programs look at `code`.
 *
 * @example
 * ```ts
 * try {
 *   await HnswIndex.build(rows, { metric: "euclidian" });
 * } catch (error) {
 *   if (error instanceof HnswError && error.code === "ERR_UNKNOWN_METRIC") console.log(error.message);
 * }
 * ```
 */
export class HnswError extends Error {
  override readonly name = "HnswError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const known: ReadonlySet<unknown> = new Set(ERROR_CODES);

/** Whether `value` is one of {@link ERROR_CODES}. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return known.has(value);
}

/** The {@link HnswError} for something the addon threw; other values come back unchanged. */
export function fromNative(error: unknown): unknown {
  if (error instanceof HnswError || !(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  return new HnswError(isErrorCode(code) ? code : "ERR_INTERNAL", error.message, { cause: error });
}

/** Runs `call`, turning what the addon throws into {@link HnswError}. */
export function wrapped<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}

/**
 * Indexes in files: what their options mean and how they are checked. The files themselves are read and written by the
 * addon.
 */
import { fileURLToPath } from "node:url";
import { HnswError } from "./errors.ts";
import type { CallOptions } from "./job.ts";
import type { NativeLoad, NativeVerification } from "./native.ts";
import { type RestoreOptions, threadsOf } from "./options.ts";
import { booleanOr, checkedCall, checkedKeys, invalid, oneOf } from "./validate.ts";

/** A path, or a URL of the scheme `file:`. */
export type FilePath = string | URL;

/** When a file is checked: each part by the first call that needs it, all sections at once, or the digest of the whole too. */
export type VerifyMode = "used" | "sections" | "full";

/** How a file is loaded. Every field is optional. */
export interface LoadOptions extends RestoreOptions {
  /**
   * Uses the file where it lies instead of reading it into memory: it is open at once, and what is not looked at is not read.
   * The file must not be changed in place meanwhile; `save` never does that. @default false
   */
  readonly mmap?: boolean | undefined;
  /** @default "used" with `mmap`, else "sections" */
  readonly verify?: VerifyMode | undefined;
}

/** A section of a stored index. */
export interface SectionState {
  /** Number and name. */
  readonly name: string;
  /** Its first byte; 0 where it was left out. */
  readonly offset: number;
  readonly bytes: number;
  /** Its bytes, and the zeros behind it, are those that were written. */
  readonly sound: boolean;
}

/** The links of a search index. */
export interface LinkReport {
  /** Rows by their number of links on level 0, from none to the most. */
  readonly degrees: readonly number[];
  readonly levels: number;
  /** Links of level 0 without a link back. Pruning leaves some; they are no damage. */
  readonly asymmetric: number;
  /** Links that lead to no row, to the row itself, or to a row that is not on their level. */
  readonly outOfRange: number;
  /** Rows that no walk reaches. */
  readonly unreachable: number;
}

/** What a look at everything found. */
export interface Verification {
  /** Nothing is wrong. */
  readonly sound: boolean;
  /** What is wrong, in words for people. */
  readonly problems: readonly string[];
  /** Rows, where that much can be read. */
  readonly rows: number | null;
  /** Version of the format, where the index lies in a file. */
  readonly version: number | null;
  /** Whether the bytes as a whole have the digest that was written, where one was. */
  readonly digest: boolean | null;
  /** Sections, where the index lies in a file. */
  readonly sections: readonly SectionState[];
  /** The links of the search index, where there is one. */
  readonly links: LinkReport | null;
}

const LOAD_KEYS = ["mmap", "verify", "threads", "signal", "onProgress"];
const MODES: readonly VerifyMode[] = ["used", "sections", "full"];

/** The path as text. Throws `ERR_INVALID_ARGUMENT`. */
export function pathOf(path: FilePath): string {
  const text = path instanceof URL ? fromUrl(path) : path;
  if (typeof text !== "string" || text === "" || text.includes("\0")) {
    throw invalid("path", path, "a path that is not empty, or a URL of the scheme file:");
  }
  return text;
}

function fromUrl(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new HnswError("ERR_INVALID_ARGUMENT", `path is ${url.href}, allowed: a URL of the scheme file:`, {
      cause: error,
    });
  }
}

/** Checks how a file is to be loaded. */
export function checkedLoad(input: LoadOptions | undefined): { readonly call: CallOptions; readonly how: NativeLoad } {
  const given = checkedCall(checkedKeys("options", input, LOAD_KEYS));
  const mmap = booleanOr("mmap", given.mmap, false);
  const verify = oneOf("verify", given.verify, MODES, mmap ? "used" : "sections");
  return { call: given, how: { mmap, verify, threads: threadsOf(given.threads) } };
}

/** @internal */
export function verificationOf({ problems, rows, version, digest, sections, links }: NativeVerification): Verification {
  return {
    sound: problems.length === 0,
    problems,
    rows: rows ?? null,
    version: version ?? null,
    digest: digest ?? null,
    sections,
    links: links ?? null,
  };
}

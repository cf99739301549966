/**
 * Real test data beside the checkout, in `../shared/data`. Tests that need a file that is not there are skipped,
 * and their title says so.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { type NpyArray, readNpz } from "./npz.ts";

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../../../shared/data/${file}`, import.meta.url));
}

/** Arrays of a data file. */
export function load<Name extends string>(file: string, ...names: Name[]): Record<Name, NpyArray> {
  return readNpz(pathOf(file), names);
}

/** `describe` for a suite that needs `file`. */
export function describeWith(file: string, title: string, suite: () => void): void {
  if (existsSync(pathOf(file))) describe(title, suite);
  else describe.skip(`${title} (skipped: ../shared/data/${file} is not there)`, suite);
}

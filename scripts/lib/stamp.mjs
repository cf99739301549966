// What a step was made from: a hash over the files that go into it, kept beside what came out.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./paths.mjs";

const LEFT_OUT = new Set(["target", "node_modules", "__pycache__", ".git"]);

/** A hash over the names and contents of all files in `inputs` (files or folders of the checkout) and `extra`. */
export function hashOf(inputs, extra = []) {
  const hash = createHash("sha256");
  for (const text of extra) hash.update(`${text}\0`);
  for (const input of inputs) {
    for (const file of filesIn(join(ROOT, input))) {
      hash
        .update(`${relative(ROOT, file)}\0`)
        .update(readFileSync(file))
        .update("\0");
    }
  }
  return hash.digest("hex");
}

function filesIn(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const names = readdirSync(path).filter((name) => !LEFT_OUT.has(name));
  return names.sort().flatMap((name) => filesIn(join(path, name)));
}

/** The stamp's content, "" if there is none. */
export function readStamp(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

export function writeStamp(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { native } from "../../src/native.ts";

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

it("is one and the same in the npm package, the crates, the addon and the Python package", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  expect(read("Cargo.toml")).toContain(`\nversion = "${version}"\n`);
  expect(native().version()).toBe(version);
  expect(read("python/hnsw_bridge/_version.py")).toContain(`"${version}"`);
});

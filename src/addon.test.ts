import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadAddon } from "./addon.ts";
import { HnswError } from "./errors.ts";
import type { Native } from "./native.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NATIVE = join(ROOT, "native");
const FILE = readdirSync(NATIVE).find((name) => name.endsWith(".node")) as string;
const PACKAGE = FILE.replace(".", "-").replace(".node", "");

describe("the addon is found", () => {
  let folder: string;
  let script: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hnsw-addon-"));
    script = pathToFileURL(join(folder, "dist", "index.js")).href;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function put(place: string, content?: string): void {
    const path = join(folder, place);
    mkdirSync(dirname(path), { recursive: true });
    if (content === undefined) copyFileSync(join(NATIVE, FILE), path);
    else writeFileSync(path, content);
  }

  function putPackage(): void {
    put(`node_modules/${PACKAGE}/${FILE}`);
    put(`node_modules/${PACKAGE}/package.json`, JSON.stringify({ name: PACKAGE, version: "0.0.0", main: FILE }));
  }

  function failure(system?: string): HnswError {
    try {
      loadAddon(script, system);
    } catch (error) {
      return error as HnswError;
    }
    throw new Error("it was found");
  }

  it.each([
    ["beside the script", () => put(`dist/${FILE}`)],
    ["in native/ of a checkout", () => put(`native/${FILE}`)],
    ["in the platform's package", putPackage],
    ["in the next place where the first one's does not load", () => [put(`dist/${FILE}`, "not one"), putPackage()]],
  ])("%s", (_, place) => {
    place();
    expect((loadAddon(script) as Native).version()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("or the error names all that was looked for", () => {
    const error = failure();
    expect(error).toBeInstanceOf(HnswError);
    expect(error.code).toBe("ERR_INTERNAL");
    expect(error.message).toContain(`${join(folder, "dist", FILE)} (not found)`);
    expect(error.message).toContain(`${join(folder, "native", FILE)} (not found)`);
    expect(error.message).toContain(`${PACKAGE} (not found)`);
    expect(error.message).not.toContain("\n");
  });

  it("or the error says why one that is there does not load", () => {
    put(`native/${FILE}`, "not an addon");
    expect(failure().message).not.toContain(`${join(folder, "native", FILE)} (not found)`);
    expect(failure().message).toContain(`${join(folder, "native", FILE)} (`);
  });

  it("or the error lists the systems there are", () => {
    expect(failure("plan9-mips").message).toMatch(/no addon for plan9-mips .* only for linux-x64, /);
  });

  it("for every target that is built", () => {
    const { napi } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const systems: Record<string, string> = { linux: "linux", apple: "darwin", pc: "win32" };
    for (const triple of napi.targets as string[]) {
      const [cpu, vendor, third] = triple.split("-") as [string, string, string];
      const system = systems[vendor] ?? systems[third];
      expect(failure(`${system}-${cpu === "aarch64" ? "arm64" : "x64"}`).message).not.toContain("there is none");
    }
  });
});

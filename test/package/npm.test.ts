import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { emptyFolder, here, made, mustRun, run } from "./support.ts";

const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const PROGRAM = fileURLToPath(new URL("programs/search.ts", import.meta.url));
const OFFLINE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;
const COMPILER = {
  compilerOptions: { module: "NodeNext", target: "ES2023", strict: true, skipLibCheck: false, types: ["node"] },
  files: ["search.ts"],
};

describe("the npm packages, installed into an empty folder without scripts", () => {
  let folder: string;
  let offline: string | undefined;

  beforeAll(async () => {
    folder = emptyFolder();
    const tarballs = [made.npm.main, here?.tarball as string];
    writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
    const options = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
    const { code, output } = await run("npm", ["install", ...options, ...tarballs], folder);
    offline = code === 0 ? undefined : OFFLINE.exec(output)?.[0];
    if (code !== 0 && offline === undefined) throw new Error(output);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(({ skip }) => skip(offline !== undefined, `the registry was not reached: ${offline}`));

  const installed = (...path: string[]) => join(folder, "node_modules", ...path);
  const manifest = (name: string) => JSON.parse(readFileSync(installed(name, "package.json"), "utf8"));
  const platform = () => readdirSync(installed()).filter((name) => name.startsWith("hnsw-bridge-"));

  it("compile a strict TypeScript program and run it", async () => {
    copyFileSync(PROGRAM, join(folder, "search.ts"));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(COMPILER));
    await mustRun(process.execPath, [TSC, "-p", "."], folder);
    const { version, graph, nearest, distance } = JSON.parse(await mustRun(process.execPath, ["search.js"], folder));
    expect({ version, graph, nearest }).toEqual({
      version: manifest("hnsw-bridge").version,
      graph: [500, 10],
      nearest: 7,
    });
    expect(distance).toBeCloseTo(0, 5);
  });

  it("have the command line", async () => {
    const { version } = manifest("hnsw-bridge");
    expect(await mustRun("npx", ["--no-install", "hnsw-bridge", "version"], folder)).toContain(version);
  });

  it("are one for all and one for this platform, of the same version, without scripts", () => {
    expect(platform()).toHaveLength(1);
    const [main, addon] = ["hnsw-bridge", platform()[0] as string].map(manifest);
    expect(main.optionalDependencies).toMatchObject({ [addon.name]: main.version });
    expect(addon).toMatchObject({ version: main.version, os: [process.platform], cpu: [process.arch] });
    expect([main.scripts, addon.scripts]).toEqual([undefined, undefined]);
    expect(
      readdirSync(installed("hnsw-bridge"), { recursive: true }).filter((file) => /\.node$/.test(`${file}`)),
    ).toEqual([]);
  });

  it("tell what is missing where there is none for the platform", async () => {
    const [name] = platform() as [string];
    const program = "import { metrics } from 'hnsw-bridge'; console.log(metrics().length)";
    const inline = ["--input-type=module", "--eval", program];
    expect(Number(await mustRun(process.execPath, inline, folder))).toBeGreaterThan(0);
    rmSync(installed(name), { recursive: true });
    expect(await run(process.execPath, inline, folder)).toMatchObject({
      code: 1,
      output: expect.stringContaining(`${name} (not found)`),
    });
  });
});

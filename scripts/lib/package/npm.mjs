// The npm packages: hnsw-bridge itself, without an addon and without an install script, and one package for each platform
// whose addon is in native/. A checkout has the addon of its machine; a release collects those of several first.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { NODE_BIN, PACKAGES, ROOT } from "../paths.mjs";
import { mustRunQuietly, Problem } from "../run.mjs";
import { writeLicences } from "./licences.mjs";

const SHELL = { shell: process.platform === "win32" };

/** Fields of package.json that mean something in a checkout only. */
const OF_CHECKOUT = ["private", "scripts", "devDependencies", "overrides", "allowScripts", "napi"];

/** Packs into PACKAGES by way of the folder `work`: `{ main, platforms: [{ addon, tarball }] }`. */
export function packNpm(work) {
  const stage = join(work, "npm");
  rmSync(stage, { recursive: true, force: true });
  const manifest = readJson(join(ROOT, "package.json"));
  const platforms = stagePlatforms(join(work, "npm-platforms"), manifest);
  stageMain(stage, manifest, platforms);
  return {
    main: pack(stage),
    platforms: platforms.map(({ addon, folder }) => ({ addon, tarball: pack(folder) })),
  };
}

function stageMain(stage, manifest, platforms) {
  mkdirSync(stage, { recursive: true });
  for (const file of [...manifest.files, "README.md", "LICENSE"]) {
    cpSync(join(ROOT, file), join(stage, file), {
      recursive: true,
      filter: (source) => basename(source) !== "__pycache__",
    });
  }
  const optionalDependencies = Object.fromEntries(platforms.map(({ name }) => [name, manifest.version]));
  const published = Object.entries(manifest).filter(([field]) => !OF_CHECKOUT.includes(field));
  writeJson(join(stage, "package.json"), { ...Object.fromEntries(published), optionalDependencies });
}

/** A folder for each target, as napi makes them; those without an addon here are left out. */
function stagePlatforms(stage, manifest) {
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  writeJson(join(stage, "package.json"), manifest);
  mustRunQuietly(join(NODE_BIN, "napi"), ["create-npm-dirs", "--cwd", stage, "--npm-dir", "all"], SHELL);
  const all = readdirSync(join(stage, "all")).map((name) => platform(join(stage, "all", name)));
  const built = all.filter(({ addon }) => existsSync(addon));
  if (built.length === 0)
    throw new Problem(`native/ has none of ${all.map(({ addon }) => basename(addon)).join(", ")}`);
  for (const { addon, folder, manifest } of built) {
    cpSync(addon, join(folder, basename(addon)));
    cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
    writeLicences(join(folder, "LICENSES"));
    const files = [...manifest.files, "LICENSES"];
    writeJson(join(folder, "package.json"), { ...manifest, type: "commonjs", files });
  }
  return built;
}

function platform(folder) {
  const manifest = readJson(join(folder, "package.json"));
  return { folder, manifest, name: manifest.name, addon: join(ROOT, "native", manifest.main) };
}

function pack(folder) {
  mustRunQuietly("npm", ["pack", "--pack-destination", PACKAGES, "--ignore-scripts"], { cwd: folder, ...SHELL });
  const { name, version } = readJson(join(folder, "package.json"));
  return join(PACKAGES, `${name}-${version}.tgz`);
}

/** What publint and are-the-types-wrong say to the tarballs; a problem when one of them finds fault. */
export function checkNpm({ main, platforms }) {
  for (const tarball of [main, ...platforms.map((each) => each.tarball)]) {
    mustRunQuietly(join(NODE_BIN, "publint"), ["run", tarball, "--strict"], SHELL);
  }
  // A package of ES modules alone: what require() makes of it in an old TypeScript is not looked at.
  const profile = ["--profile", "esm-only", "--no-definitely-typed"];
  mustRunQuietly(join(NODE_BIN, "attw"), [main, ...profile, "--no-emoji", "--no-color"], SHELL);
}

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

// The licences of what others wrote and our packages carry: of the crates in the addon, of the JavaScript in the bundled
// server, of the libraries in zeromq's binary. Each has a folder with its texts; README.md lists them.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ROOT } from "../paths.mjs";
import { capture, Problem } from "../run.mjs";
import { BUNDLED } from "./bundled.mjs";

const TEXT = /^(licen[cs]e|copying|copyright|notice|unlicense)/i;
const STORED = join(ROOT, "scripts", "lib", "package", "licences");
const NAPI = join(ROOT, "node_modules", "@napi-rs", "cli", "LICENSE");

/** Of packages that come without a text: where it is. The napi crates are of one repository with the command line. */
const ELSEWHERE = { napi: NAPI, "napi-sys": NAPI };

/** Writes the folder `into` with the texts of the addon's parts, and with those of the bundled server's if asked. */
export function writeLicences(into, { server = false } = {}) {
  const parts = [...addonParts(), ...(server ? serverParts() : [])];
  mkdirSync(into, { recursive: true });
  for (const part of parts) copyTexts(part, join(into, part.name));
  writeFileSync(join(into, "README.md"), index(parts));
}

function copyTexts({ name, texts }, folder) {
  if (texts.length === 0) throw new Problem(`no licence text was found for ${name}`);
  mkdirSync(folder, { recursive: true });
  for (const text of texts) cpSync(text, join(folder, basename(text)));
}

function index(parts) {
  const line = ({ name, version, licence, source, where }) =>
    `| ${name} | ${version} | ${licence} | ${where} | ${source} |`;
  const head = ["| what | version | licence | in | sources |", "|---|---|---|---|---|"];
  const title = "Parts of this package that others wrote. A folder of each one's name holds its licence.";
  return [title, "", ...head, ...parts.map(line), ""].join("\n");
}

function addonParts() {
  const standard = join(
    capture("rustc", ["--print", "sysroot"]) ?? "",
    "share",
    "doc",
    "rust",
    "COPYRIGHT-library.html",
  );
  const std = {
    name: "rust-std",
    version: capture("rustc", ["--version"])?.split(" ")[1] ?? "unknown",
    licence: "MIT OR Apache-2.0",
    source: "https://github.com/rust-lang/rust",
    texts: [standard].filter((text) => existsSync(text)),
  };
  return [...crates(), std].map((part) => ({ ...part, where: "addon" }));
}

/** The crates whose code is in the addon: what it depends on, without what only runs while it is built. */
function crates() {
  const metadata = capture("cargo", ["metadata", "--format-version", "1", "--locked", "--filter-platform", host()]);
  if (metadata === undefined) throw new Problem("cargo metadata failed, so the addon's crates are not known");
  const { packages, resolve } = JSON.parse(metadata);
  const byId = new Map(packages.map((entry) => [entry.id, entry]));
  const edges = new Map(resolve.nodes.map(({ id, deps }) => [id, deps]));
  const seen = new Set(packages.filter(({ name }) => name === "hnsw-node").map(({ id }) => id));
  for (const id of seen) {
    for (const { pkg, dep_kinds } of edges.get(id)) {
      if (dep_kinds.some(({ kind }) => kind === null) && !isMacro(byId.get(pkg))) seen.add(pkg);
    }
  }
  return [...seen]
    .map((id) => byId.get(id))
    .filter(isOthers)
    .map(crate);
}

const host = () => /^host: (.*)$/m.exec(capture("rustc", ["-vV"]) ?? "")?.[1] ?? "";
const isMacro = ({ targets }) => targets.some(({ kind }) => kind.includes("proc-macro"));
const isOthers = ({ source }) => source !== null;

function crate({ name, version, license, repository, manifest_path }) {
  return {
    name,
    version,
    licence: license,
    source: repository ?? "crates.io",
    texts: texts(name, dirname(manifest_path)),
  };
}

/** The bundled JavaScript, and what is compiled into zeromq's binary besides zeromq itself. */
function serverParts() {
  const scripts = BUNDLED.map((name) => module(name, name === "zeromq" ? "cli.js, zeromq.node" : "cli.js"));
  const sodium = {
    name: "libsodium",
    version: "in zeromq",
    licence: "ISC",
    source: "https://github.com/jedisct1/libsodium",
    texts: [join(STORED, "libsodium.txt")],
  };
  const libzmq = {
    name: "libzmq",
    version: "in zeromq",
    licence: "MPL-2.0",
    source: "https://github.com/zeromq/libzmq",
    texts: [join(STORED, "libzmq.txt")],
  };
  const native = [libzmq, sodium].map((part) => ({ ...part, where: "zeromq.node" }));
  return [...scripts, module("node-addon-api", "zeromq.node"), ...native];
}

function module(name, where) {
  const folder = join(ROOT, "node_modules", name);
  const { version, license, repository } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const source = String(repository?.url ?? repository ?? "")
    .replace(/^git\+|\.git$/g, "")
    .replace(/^git:/, "https:");
  return { name, version, licence: license, source, where, texts: texts(name, folder) };
}

function texts(name, folder) {
  const found = readdirSync(folder).filter((file) => TEXT.test(file));
  return found.length === 0 && name in ELSEWHERE ? [ELSEWHERE[name]] : found.map((file) => join(folder, file));
}

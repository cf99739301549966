// The folder of the bundled server, which starts with nothing but a Node: one script, its two addons, their licences.
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { NODE_BIN, ROOT } from "../paths.mjs";
import { mustRunQuietly, Problem } from "../run.mjs";
import { writeLicences } from "./licences.mjs";

/** Makes the folder `into`; the Python package looks for `cli.js` in it. */
export function bundleServer(into) {
  rmSync(into, { recursive: true, force: true });
  const tsdown = ["--config", "tsdown.wheel.config.ts", "--out-dir", into, "--logLevel", "warn"];
  mustRunQuietly(join(NODE_BIN, "tsdown"), tsdown, { shell: process.platform === "win32" });
  writeFileSync(join(into, "package.json"), '{ "type": "module" }\n');
  cpSync(zeromqBinary(), join(into, "zeromq.node"));
  cpSync(addon(), join(into, basename(addon())));
  cpSync(join(ROOT, "LICENSE"), join(into, "LICENSE"));
  writeLicences(join(into, "LICENSES"), { server: true });
}

/** The binary that zeromq picks on this machine. It is made for Node-API, so every Node loads it. */
function zeromqBinary() {
  const require = createRequire(import.meta.url);
  require("zeromq");
  return Object.keys(require.cache).find((file) => file.endsWith(".node"));
}

/** This machine's addon; native/ may hold those of others too. */
function addon() {
  const prefix = `hnsw-bridge.${process.platform}-${process.arch}`;
  const found = readdirSync(join(ROOT, "native")).filter((file) => file.startsWith(prefix) && file.endsWith(".node"));
  if (found.length !== 1)
    throw new Problem(`native/ must hold one addon ${prefix}….node, has ${found.join(", ") || "none"}`);
  return join(ROOT, "native", found[0]);
}

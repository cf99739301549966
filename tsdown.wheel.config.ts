/** The server as the Python wheel carries it: one script with all its packages, its two addons beside it. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "tsdown";
import { BUNDLED } from "./scripts/lib/package/bundled.mjs";

export default defineConfig({
  entry: { cli: "bridge/cli.ts" },
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
  dts: false,
  clean: true,
  shims: true, // zeromq is CommonJS and asks for __dirname.
  alias: { "cmake-ts/build/loader": fileURLToPath(new URL("bridge/zeromq-binary.ts", import.meta.url)) },
  deps: { alwaysBundle: /./, onlyBundle: [...BUNDLED] },
});

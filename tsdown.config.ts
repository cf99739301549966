import { defineConfig } from "tsdown";

export default defineConfig({
  entry: { index: "src/index.ts", bridge: "bridge/index.ts", cli: "bridge/cli.ts", pyodide: "bridge/pyodide.ts" },
  format: "esm",
  platform: "node",
  target: "node20.19",
  outDir: "dist",
  fixedExtension: false,
  sourcemap: true,
  dts: { sourcemap: false },
  clean: true,
  treeshake: true,
});

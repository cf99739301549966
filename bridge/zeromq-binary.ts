/**
 * Stands in for how zeromq looks for its binary (`cmake-ts/build/loader`) where the server is bundled into one script:
 * one binary, beside that script. See tsdown.wheel.config.ts.
 */
import { createRequire } from "node:module";

export function loadAddon(): unknown {
  return createRequire(import.meta.url)("./zeromq.node");
}

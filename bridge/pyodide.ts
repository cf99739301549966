/**
 * The second transport: Python in Pyodide, on the engine of the process around it. No server, no sockets.
 *
 * ```ts
 * const pyodide = await loadPyodide();
 * install(pyodide);
 * pyodide.runPython("from hnsw_bridge import HnswIndexWrapper; …");
 * ```
 *
 * Here is only how the two are brought together; what Python then calls is in in-process.ts.
 */
import { fileURLToPath } from "node:url";
import { engineModule } from "./in-process.ts";

export { engineModule } from "./in-process.ts";

/** The name by which the Python package looks for {@link engineModule}. */
export const MODULE_NAME = "hnsw_bridge_js";

/** What is used of Pyodide. */
export interface Pyodide {
  readonly FS: { mkdirTree(path: string): void };
  mountNodeFS(emscriptenPath: string, hostPath: string): void;
  registerJsModule(name: string, module: object): void;
  runPython(code: string): unknown;
}

/** The Python package beside this one. */
const PACKAGE = fileURLToPath(new URL("../python/hnsw_bridge", import.meta.url));

/**
 * Makes `import hnsw_bridge` work: registers the engine as a module, and mounts the Python package.
 *
 * @param folder the package's folder `hnsw_bridge`, if not the one that comes with this package
 */
export function install(pyodide: Pyodide, folder: string = PACKAGE): void {
  pyodide.registerJsModule(MODULE_NAME, engineModule());
  mountPackage(pyodide, folder);
}

/** Mounts the folder of the Python package where Python looks for packages. */
export function mountPackage(pyodide: Pyodide, folder: string = PACKAGE): void {
  const place = `${pyodide.runPython("__import__('sysconfig').get_path('purelib')")}/hnsw_bridge`;
  pyodide.FS.mkdirTree(place);
  pyodide.mountNodeFS(place, folder);
  pyodide.runPython("__import__('importlib').invalidate_caches()");
}

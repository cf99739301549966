// usearch in Node. Its search width can only be set when an index is made, so another width means loading a saved copy.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const METRICS = { euclidean: "l2sq", cosine: "cos" };

export function load(require, peers) {
  const { Index } = require("usearch");
  // its exports keep the file to themselves
  const { version } = JSON.parse(readFileSync(join(peers, "node_modules", "usearch", "package.json"), "utf8"));

  function empty({ dim, metric, options }, width) {
    return new Index({
      dimensions: dim,
      metric: METRICS[metric],
      quantization: "f32",
      connectivity: options.connectivity,
      expansion_add: options.expansion_add,
      expansion_search: width,
      multi: false,
    });
  }

  function ready({ data, shape: [rows, dim] }, { metric, options, threads }) {
    if (!(metric in METRICS)) throw new Error(`usearch is not set up for ${metric}`);
    const made = { dim, metric, options };
    const index = empty(made, options.expansion_search);
    index.add(
      BigUint64Array.from({ length: rows }, (_, i) => BigInt(i)),
      data,
      threads,
    );
    return { made, width: options.expansion_search, index, folder: undefined };
  }

  /** A sweep asks a few queries before its clock runs: this happens then. */
  function widen(kept, width) {
    if (kept.width === width) return;
    kept.folder ??= mkdtempSync(join(tmpdir(), "hnsw-bench-"));
    const file = join(kept.folder, "index.usearch");
    kept.index.save(file);
    kept.index = empty(kept.made, width);
    kept.index.load(file);
    kept.width = width;
  }

  function query(kept, { data }, { k, setting, threads }) {
    widen(kept, Math.max(k, setting.ef));
    const { keys } = kept.index.search(data, k, threads);
    return Int32Array.from(keys, Number);
  }

  function release({ folder }) {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }

  return { versions: { usearch: version }, ready, query, release };
}

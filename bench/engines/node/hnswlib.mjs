// hnswlib-node: one row a call, given as a plain array, one thread.
const SPACES = { euclidean: "l2", cosine: "cosine" };

export function load(require) {
  const { HierarchicalNSW } = require("hnswlib-node");

  function ready({ data, shape: [rows, dim] }, { metric, options }) {
    if (!(metric in SPACES)) throw new Error(`hnswlib-node is not set up for ${metric}`);
    const index = new HierarchicalNSW(SPACES[metric], dim);
    const { M: m, ef_construction: efConstruction } = options;
    index.initIndex({ maxElements: rows, m, efConstruction, randomSeed: 42 });
    for (let i = 0; i < rows; i++) index.addPoint(Array.from(data.subarray(i * dim, (i + 1) * dim)), i);
    return index;
  }

  function query(index, { data, shape: [rows, dim] }, { k, setting }) {
    index.setEf(Math.max(k, setting.ef));
    const out = new Int32Array(rows * k).fill(-1);
    for (let i = 0; i < rows; i++) {
      out.set(index.searchKnn(Array.from(data.subarray(i * dim, (i + 1) * dim)), k).neighbors, i * k);
    }
    return out;
  }

  return { versions: { "hnswlib-node": require("hnswlib-node/package.json").version }, ready, query };
}

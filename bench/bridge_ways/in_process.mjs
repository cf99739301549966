// Times queries in this process: `node in_process.mjs '{"folder": …, "dim": …, "calls": …}'`, one line of JSON out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HnswIndex } from "../../dist/index.js";

const { folder, dim, calls } = JSON.parse(process.argv[2]);
const load = (name) => {
  const bytes = readFileSync(join(folder, `${name}.f32`));
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return { data, shape: [data.length / dim, dim] };
};

function median(call, count) {
  for (let i = 0; i < Math.max(1, count / 10); i++) call(i);
  const ms = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    call(i);
    ms.push(performance.now() - start);
  }
  return ms.sort((a, b) => a - b)[count >> 1] / 1000;
}

const index = HnswIndex.buildSync(load("rows"));
const queries = load("queries");
const [count] = queries.shape;
index.prepareSync();
const single = (i) => ({ data: queries.data.subarray((i % count) * dim, ((i % count) + 1) * dim), shape: [1, dim] });
const figures = {
  single_s: median((i) => index.querySync(single(i), { k: 10 }), calls),
  many_s: median(() => index.querySync(queries, { k: 10 }), Math.max(3, calls / 10)),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

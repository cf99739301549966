/**
 * Queries for the nearest rows: by a width, by an outcome, and few of them without any object of the addon.
 */
import { type Doors, present } from "./calls.ts";
import type { Direct } from "./copying.ts";
import { filterBits } from "./filter.ts";
import type { MatrixInput } from "./matrix.ts";
import type { NativeAsk, NativeRows } from "./native.ts";
import { type Answer, answered, type Neighbors, shaped } from "./neighbors.ts";
import type { OpenIndex } from "./open-index.ts";
import { checkedQuery, type QueryOptions } from "./options.ts";
import { incoming } from "./transfer.ts";

/** Neighbours in a result that is made in JavaScript. A guess: beyond it the walks take a thousand times what is saved. */
const MOST_ANSWERS = 1 << 12;

export class Queries {
  readonly #open: OpenIndex;
  /** Where the addon puts small results; those that are handed out are copies, which V8 makes on its own heap. */
  #answers = roomFor(0);

  constructor(open: OpenIndex) {
    this.#open = open;
  }

  async query(queries: MatrixInput, options: QueryOptions | undefined): Promise<Answer> {
    const { call, k, ef, filter, asked } = checkedQuery(options, this.#open);
    this.#open.check(call);
    const bits = filter && filterBits(filter, this.#open);
    const { steps } = incoming("queries", queries, this.#open);
    const doors = (content: NativeRows) =>
      asked === undefined ? this.#nearest(content, k, ef, bits) : this.#asked(content, asked, bits);
    return this.#open.send({ call, steps, doors });
  }

  querySync(queries: MatrixInput, options: QueryOptions | undefined): Answer {
    const { call, k, ef, filter, asked } = checkedQuery(options, this.#open);
    this.#open.checkOpen();
    const bits = filter && filterBits(filter, this.#open);
    const { rows, steps, direct } = incoming("queries", queries, this.#open);
    const plain = asked === undefined && bits === undefined;
    if (direct !== undefined && plain && rows * k <= MOST_ANSWERS) return this.#few(direct, rows, k, ef);
    const doors = (content: NativeRows) =>
      asked === undefined ? this.#nearest(content, k, ef, bits) : this.#asked(content, asked, bits);
    return this.#open.sendHere({ call, steps, doors });
  }

  #nearest(content: NativeRows, k: number, ef: number, bits: Uint8Array | undefined): Doors<Answer> {
    const { native } = this.#open;
    return {
      here: () => shaped(native.querySync(content, k, ef, bits)),
      job: (listener) => native.query(content, k, ef, bits, listener),
      done: ({ neighbors }) => shaped(present(neighbors)),
    };
  }

  #asked(content: NativeRows, asked: NativeAsk, bits: Uint8Array | undefined): Doors<Answer> {
    const { native } = this.#open;
    const ask = { ...asked, ...(bits && { filter: bits }) };
    return {
      here: () => answered(native.askSync(content, ask)),
      job: (listener) => native.ask(content, ask, listener),
      done: ({ answer }) => answered(present(answer)),
    };
  }

  /** Few queries without any object of the addon: its buffers and results cost more than a walk does. */
  #few(direct: Direct, rows: number, k: number, ef: number): Neighbors {
    if (this.#answers.indices.length !== rows * k) this.#answers = roomFor(rows * k);
    const { indices, distances } = this.#answers;
    direct((values) => this.#open.native.answer(values, k, ef, indices, distances));
    return shaped({ rows, k, indices: indices.slice(), distances: distances.slice() });
  }
}

function roomFor(neighbors: number) {
  return { indices: new Int32Array(neighbors), distances: new Float32Array(neighbors) };
}

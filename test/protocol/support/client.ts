/**
 * A raw client for tests: sends any frames, keeps every message it gets, and can play by the rules
 * (uploads under credits, results put together) when asked to.
 */
import { Dealer } from "zeromq";
import { type Matrix, readBytes, readResult, rowFrames } from "./arrow.ts";
import { denseRows, type Rows } from "./rows.ts";

export interface Message {
  readonly header: Record<string, unknown>;
  readonly frames: Uint8Array[];
  readonly at: number;
}

export interface Result {
  readonly rows: number;
  readonly k: number;
  readonly indices: Int32Array;
  readonly distances: Float32Array;
  readonly batches: number;
}

/** What the server answered with `type: error`. */
export class ErrorAnswer extends Error {
  readonly code: string;
  readonly header: Record<string, unknown>;

  constructor(header: Record<string, unknown>) {
    super(`${header.code}: ${header.message}`);
    this.code = String(header.code);
    this.header = header;
  }
}

const WAIT_MS = 30_000;

export class RawClient {
  readonly received: Message[] = [];
  readonly #socket: Dealer;
  readonly #watchers = new Set<(message: Message) => void>();
  #outgoing: Promise<unknown> = Promise.resolve();
  #lastId = 100;

  private constructor(endpoint: string, routingId?: string) {
    this.#socket = new Dealer({ linger: 0, ...(routingId === undefined ? {} : { routingId }) });
    this.#socket.connect(endpoint);
    void this.#receiveAll();
  }

  /** A socket that has not said hello. */
  static raw(endpoint: string, routingId?: string): RawClient {
    return new RawClient(endpoint, routingId);
  }

  /** A connection that has said hello. */
  static async connect(endpoint: string, hello: object = {}): Promise<RawClient> {
    const client = new RawClient(endpoint);
    await client.hello(hello);
    return client;
  }

  async #receiveAll(): Promise<void> {
    try {
      for await (const [head, ...frames] of this.#socket) {
        const message = { header: JSON.parse(String(head)), frames, at: performance.now() };
        this.received.push(message);
        for (const watcher of [...this.#watchers]) watcher(message);
      }
    } catch (error) {
      if (!this.#socket.closed) throw error;
    }
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** Sends frames as they are; one at a time, as a socket demands. */
  send(header: object | string | Uint8Array, frames: readonly Uint8Array[] = []): Promise<void> {
    const head = typeof header === "object" && !(header instanceof Uint8Array) ? JSON.stringify(header) : header;
    const sent = this.#outgoing.then(() => this.#socket.send([head, ...frames]));
    this.#outgoing = sent.catch(() => {});
    return sent;
  }

  /** The first message, already received or still to come, that `matches`. */
  when(matches: (message: Message) => boolean, what = "a message"): Promise<Message> {
    const known = this.received.find(matches);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        reject(new Error(`waited ${WAIT_MS} ms for ${what}`));
      }, WAIT_MS);
      const watcher = (message: Message) => {
        if (!matches(message)) return;
        this.#watchers.delete(watcher);
        clearTimeout(timer);
        resolve(message);
      };
      this.#watchers.add(watcher);
    });
  }

  /** The message that ends call `id`; an error answer is thrown. */
  async answer(id: number | null): Promise<Message> {
    const ends = ({ header }: Message) =>
      header.id === id && (header.type === "reply" || header.type === "error" || header.last === true);
    const message = await this.when(ends, `the answer to call ${id}`);
    if (message.header.type === "error") throw new ErrorAnswer(message.header);
    return message;
  }

  /** Sends a request and gives its reply's header. */
  async call(op: string, fields: object = {}, frames: readonly Uint8Array[] = []): Promise<Record<string, unknown>> {
    const id = this.nextId();
    await this.send({ op, id, ...fields }, frames);
    return (await this.answer(id)).header;
  }

  hello(fields: object = {}): Promise<Record<string, unknown>> {
    return this.call("hello", { protocol: [1, 1], client: "raw-test/1", ...fields });
  }

  /** A call that carries rows inline. */
  async callInline(op: string, fields: object, matrix: Matrix): Promise<Message> {
    const id = this.nextId();
    await this.send({ op, id, inline: true, ...fields }, matrix.rows > 0 ? rowFrames(matrix) : []);
    return this.answer(id);
  }

  /** A call that streams rows in batches of `batchRows`, one credit each. */
  callStreamed(op: string, fields: object, matrix: Matrix, batchRows: number): Promise<Message> {
    return this.stream(op, fields, denseRows(matrix), batchRows);
  }

  /** A call with rows of any form inline; their promise is part of the header. */
  async inline(op: string, fields: object, rows: Rows): Promise<Record<string, unknown>> {
    return this.call(op, { ...rows.shape, inline: true, ...fields }, rows.frames(0, rows.rows));
  }

  /** A call that streams rows of any form; batches end at `border` also. */
  async stream(op: string, fields: object, rows: Rows, batchRows: number, border = 0): Promise<Message> {
    const id = this.nextId();
    await this.send({ op, id, ...rows.shape, ...fields });
    await this.uploadRows(id, rows, batchRows, border);
    return this.answer(id);
  }

  /** Sends `matrix` under the credits of call `id`; stops early when the call has ended. */
  upload(id: number, matrix: Matrix, batchRows: number): Promise<void> {
    return this.uploadRows(id, denseRows(matrix), batchRows);
  }

  async uploadRows(id: number, rows: Rows, batchRows: number, border = 0): Promise<void> {
    let sent = 0;
    for (let start = 0; start < rows.rows; ) {
      const needed = ++sent;
      await this.when(() => this.credits(id) >= needed || this.#ended(id), `credit ${needed} of call ${id}`);
      if (this.#ended(id)) return;
      const end = start < border ? border : rows.rows;
      const count = Math.min(batchRows, end - start);
      await this.send({ op: "rows", id, start, count }, rows.frames(start, count));
      start += count;
    }
  }

  #ended(id: number): boolean {
    return this.received.some(({ header }) => header.id === id && (header.type === "error" || header.type === "reply"));
  }

  /** Credits granted to call `id` so far. */
  credits(id: number): number {
    return this.received
      .filter(({ header }) => header.type === "credit" && header.id === id)
      .reduce((sum, { header }) => sum + Number(header.credits), 0);
  }

  /** Builds an index and gives its id. */
  async build(matrix: Matrix, options: object = {}): Promise<string> {
    const fields = { rows: matrix.rows, dim: matrix.dim, dtype: "float32", options };
    const bytes = matrix.data.byteLength;
    const { header } =
      bytes <= 1 << 20
        ? await this.callInline("build", fields, matrix)
        : await this.callStreamed("build", fields, matrix, Math.floor((2 << 20) / (4 * matrix.dim)));
    return String(header.index);
  }

  /** Asks for results and puts their batches together. What is sent with it goes inline. */
  async results(op: string, fields: object, sent?: Matrix | Rows): Promise<Result> {
    const id = this.nextId();
    const rows = sent === undefined || "frames" in sent ? sent : denseRows(sent);
    const frames = rows !== undefined && rows.rows > 0 ? rows.frames(0, rows.rows) : [];
    await this.send({ op, id, credits: 64, ...(rows && { inline: true, ...rows.shape }), ...fields }, frames);
    await this.answer(id);
    return this.collected(id);
  }

  query(index: string, matrix: Matrix | Rows, k: number, fields: object = {}): Promise<Result> {
    return this.results("query", { index, k, ...fields }, matrix);
  }

  /** The result of call `id` from the batches received so far, checked for order. */
  collected(id: number): Result {
    const messages = this.received.filter(({ header }) => header.type === "result" && header.id === id);
    const rows = Number(messages[0]?.header.rows);
    const k = Number(messages[0]?.header.k);
    const indices = new Int32Array(rows * k);
    const distances = new Float32Array(rows * k);
    let next = 0;
    for (const { header, frames } of messages) {
      if (header.start !== next) throw new Error(`batch starts at ${header.start}, expected ${next}`);
      next += Number(header.count);
      if (header.count === 0) continue;
      const batch = readResult(frames);
      if (batch.rows !== header.count || batch.k !== k) throw new Error("batch and header differ");
      indices.set(batch.indices, Number(header.start) * k);
      distances.set(batch.distances, Number(header.start) * k);
    }
    return { rows, k, indices, distances, batches: messages.length };
  }

  /** Asks for bytes, granting credits as they come, and puts the batches together. */
  async bytes(op: string, fields: object): Promise<Uint8Array> {
    const id = this.nextId();
    await this.send({ op, id, credits: 64, ...fields });
    await this.answer(id);
    return this.collectedBytes(id);
  }

  /** The bytes of call `id` from the batches received so far, checked for order. */
  collectedBytes(id: number): Uint8Array {
    const messages = this.received.filter(({ header }) => header.type === "bytes" && header.id === id);
    const bytes = new Uint8Array(Number(messages[0]?.header.total));
    let next = 0;
    for (const { header, frames } of messages) {
      const batch = readBytes(frames);
      if (header.start !== next || header.count !== batch.length) throw new Error("batch and header differ");
      bytes.set(batch, next);
      next += batch.length;
    }
    return bytes;
  }

  close(): void {
    this.#socket.close();
  }
}

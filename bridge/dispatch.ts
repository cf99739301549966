/**
 * From a received message to a running call: who sent it, what it asks for, how it is answered.
 *
 *     unknown peer   hello -> a connection; anything else is refused unread
 *     connection     rows, credit -> parts of a call in flight; other ops -> a new call
 *
 * Everything here runs to the end within one turn of the event loop, except the operations themselves.
 * Nothing a message contains makes `receive` throw.
 */
import { HnswError } from "../src/index.ts";
import { Call } from "./call.ts";
import { Connection, DuplicateId } from "./connection.ts";
import { checkToken, Door } from "./door.ts";
import { type Failure, protocolError, show, toFailure } from "./errors.ts";
import { type Header, parseHeader, protocolUint, readId, text } from "./header.ts";
import { VersionMismatch, welcome } from "./hello.ts";
import { MAX_FRAMES } from "./limits.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import type { Outbox, Peer } from "./outbox.ts";
import type { Service } from "./service.ts";
import type { Upload } from "./upload.ts";

/** Parts of calls: they have no answer and are not counted as calls. */
const PARTS = new Set(["rows", "credit"]);

export const CALLS: readonly string[] = ["hello", ...OPERATIONS.keys()];

export class Dispatcher {
  readonly #connections = new Map<string, Connection>();
  readonly #running = new Set<Promise<void>>();
  readonly #door = new Door();
  #inFlight = 0;
  readonly #service: Service;
  readonly #outbox: Outbox;

  constructor(service: Service, outbox: Outbox) {
    this.#service = service;
    this.#outbox = outbox;
  }

  get connections(): Iterable<Connection> {
    return this.#connections.values();
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Calls whose work has not ended, those of clients that have left included. */
  get callsInFlight(): number {
    return this.#inFlight;
  }

  /** Takes one message: the routing id, the header, Arrow frames. */
  receive(routingId: Uint8Array, head: Uint8Array | undefined, frames: readonly Uint8Array[]): void {
    const key = keyOf(routingId);
    const connection = this.#connections.get(key);
    if (connection === undefined && this.#door.hasRefused(key)) return;
    const peer: Peer = connection ?? { routingId, lastSent: 0 };
    let id: number | null = null;
    try {
      const header = parseHeader(head ?? new Uint8Array(), this.#service.limits.headerBytes);
      id = readId(header);
      if (frames.length >= MAX_FRAMES) throw protocolError(`${frames.length + 1} frames, allowed: ${MAX_FRAMES}`);
      if (connection === undefined) this.#hello(routingId, header, id);
      else this.#route(connection, header, frames);
    } catch (error) {
      if (error instanceof DuplicateId) return;
      const answer = () => this.#refuse(peer, connection, id, error);
      if (connection === undefined && isUnauthorized(error)) this.#door.refuse(key, answer);
      else answer();
    }
  }

  #hello(routingId: Uint8Array, header: Header, id: number | null): void {
    const { tokenHash, limits } = this.#service;
    checkToken(header, tokenHash);
    if (header.op !== "hello") throw protocolError("say hello first");
    if (id === null) throw protocolError("hello without a valid id");
    // Ids that ROUTER makes start with 0. A chosen one could be taken over by another client later.
    if (routingId[0] !== 0) throw protocolError("a client must not set a routing id");
    const clients = this.connectionCount + 1;
    if (clients > limits.maxClients) {
      throw new HnswError("ERR_OUT_OF_MEMORY", `${clients} clients, allowed: ${limits.maxClients}`);
    }
    const { client, session, reply } = welcome(header, this.#service);
    const connection = new Connection(routingId, client, session, this.#outbox);
    this.#connections.set(keyOf(routingId), connection);
    this.#service.counters.call("hello");
    connection.send({ type: "reply", id, ...reply });
    this.#service.log("debug", "client joined", { client });
  }

  #route(connection: Connection, header: Header, frames: readonly Uint8Array[]): void {
    const op = text(header, "op");
    const id = protocolUint(header, "id");
    if (PARTS.has(op)) this.#part(connection, op, id, header, frames);
    else {
      const operation = OPERATIONS.get(op);
      if (operation === undefined)
        throw protocolError(`op is ${show(op)}, allowed: ${[...OPERATIONS.keys(), ...PARTS].join(", ")}`);
      const call = new Call(connection, { id, op, header, frames }, this.#service.turns);
      connection.begin(call, this.#service.limits.maxCalls);
      this.#service.counters.call(op);
      this.#track(this.#run(call, operation));
    }
  }

  /** A batch or a grant for a call in flight. What is wrong with it ends that call. */
  #part(connection: Connection, op: string, id: number, header: Header, frames: readonly Uint8Array[]): void {
    const call = connection.calls.get(id);
    try {
      if (op === "credit") call?.credits.grant(protocolUint(header, "credits", 1), this.#service.limits.maxCredits);
      else if (call?.upload !== undefined) this.#batch(call, call.upload, header, frames);
      else if (!connection.takeLate(id)) throw protocolError(`call ${id} is not waiting for rows`);
    } catch (error) {
      if (call === undefined) throw error;
      call.stop(asHnswError(error));
    }
  }

  /** A batch of a call that was stopped was on its way already. */
  #batch(call: Call, upload: Upload, header: Header, frames: readonly Uint8Array[]): void {
    if (call.stopped === undefined) upload.accept(header, frames);
    else upload.drop();
  }

  async #run(call: Call, operation: Operation): Promise<void> {
    this.#inFlight++;
    const start = performance.now();
    try {
      const reply = await operation(call, this.#service);
      if (reply !== undefined) call.send({ type: "reply", ...reply });
      if (call.op === "goodbye") this.#leave(call.connection);
    } catch (error) {
      if (!call.silent) this.#refuse(call.connection, call.connection, call.id, call.stopped ?? error);
    } finally {
      this.#inFlight--;
      this.#service.counters.took(call.op, (performance.now() - start) / 1e3);
      call.release();
      call.connection.end(call);
    }
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  #refuse(peer: Peer, connection: Connection | undefined, id: number | null, error: unknown): void {
    const failure = toFailure(error);
    this.#service.counters.error(failure.code);
    this.#logFailure(failure, error, connection);
    const { code, message } = failure;
    const range = error instanceof VersionMismatch ? { protocol: error.protocol } : {};
    this.#outbox.send(peer, { type: "error", id, code, message, ...range });
  }

  #logFailure({ code, message, unexpected }: Failure, error: unknown, connection: Connection | undefined): void {
    const client = connection?.client ?? "unknown";
    if (unexpected)
      this.#service.log("error", "call failed", { client, code, stack: (error as Error)?.stack ?? error });
    else this.#service.log("debug", "refused", { client, code, message });
  }

  /** Called for a peer that is gone or does not read: it leaves its session. */
  lost(peer: Peer): void {
    const connection = this.#connections.get(keyOf(peer.routingId));
    if (connection !== undefined) this.#leave(connection);
  }

  #leave(connection: Connection): void {
    this.#connections.delete(keyOf(connection.routingId));
    connection.abandonCalls();
    this.#service.sessions.leave(connection.session, connection);
    this.#service.log("debug", "client left", { client: connection.client });
  }

  /** Ends every call with `reason`, waits for them, and then lets all connections go. */
  async shutDown(reason: HnswError): Promise<void> {
    this.#door.close();
    for (const connection of this.#connections.values()) {
      for (const call of connection.calls.values()) call.stop(reason);
    }
    await Promise.allSettled(this.#running);
    await this.#outbox.drained();
    for (const connection of [...this.#connections.values()]) this.#leave(connection);
  }
}

function keyOf(routingId: Uint8Array): string {
  return Buffer.from(routingId.buffer, routingId.byteOffset, routingId.length).toString("hex");
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof HnswError && error.code === "ERR_UNAUTHORIZED";
}

function asHnswError(error: unknown): HnswError {
  return error instanceof HnswError ? error : new HnswError("ERR_INTERNAL", toFailure(error).message);
}

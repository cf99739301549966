/**
 * Sessions: who owns which index, and which values.
 *
 * A session is made of connections that know its secret (threads and forked children of one client) and
 * ends with the last of them. Indices are looked up inside a session only, so that an id guessed by
 * another client names nothing. Calls and sockets may not enter here.
 */
import { createHash, randomBytes } from "node:crypto";
import { HnswError, type HnswIndex } from "../src/index.ts";
import { Values } from "./values.ts";

const SECRET_BYTES = 32;

export class Session {
  readonly secret: string;
  readonly #sessions: Sessions;
  readonly members = new Set<unknown>();
  readonly values = new Values();
  readonly #indexes = new Map<string, HnswIndex>();
  #made = 0;
  #ended = false;

  constructor(secret: string, sessions: Sessions) {
    this.secret = secret;
    this.#sessions = sessions;
  }

  get indexIds(): string[] {
    return [...this.#indexes.keys()];
  }

  /** Takes ownership of an index and names it. One that arrives after the end, or is one too many, is closed at once. */
  add(index: HnswIndex): string {
    try {
      if (this.#ended) throw new HnswError("ERR_CLOSED", "the session has ended");
      this.#sessions.checkRoom();
    } catch (error) {
      index.close();
      throw error;
    }
    const id = String(++this.#made);
    this.#indexes.set(id, index);
    return id;
  }

  /** The index, or ERR_CLOSED when this session closed it, or ERR_UNKNOWN_ID. */
  index(id: string): HnswIndex {
    const index = this.#indexes.get(id);
    if (index !== undefined) return index;
    const number = /^[1-9]\d{0,15}$/.test(id) ? Number(id) : 0;
    if (number > 0 && number <= this.#made) throw new HnswError("ERR_CLOSED", `index ${id} is closed`);
    throw new HnswError("ERR_UNKNOWN_ID", `no index ${JSON.stringify(id)} in this session`);
  }

  close(id: string): void {
    const index = this.index(id);
    this.#indexes.delete(id);
    index.close();
  }

  /** Frees an index that its client does not know of, if it is still there. */
  drop(id: string): void {
    this.#indexes.get(id)?.close();
    this.#indexes.delete(id);
  }

  end(): void {
    this.#ended = true;
    for (const index of this.#indexes.values()) index.close();
    this.#indexes.clear();
    this.values.end();
  }
}

/** All sessions, found by the hash of their secret: comparing hashes tells nothing about the secret. */
export class Sessions {
  readonly #byHash = new Map<string, Session>();
  readonly #maxIndexes: number;

  constructor(maxIndexes: number) {
    this.#maxIndexes = maxIndexes;
  }

  get size(): number {
    return this.#byHash.size;
  }

  get indexCount(): number {
    return [...this.#byHash.values()].reduce((sum, session) => sum + session.indexIds.length, 0);
  }

  get valueCount(): number {
    return [...this.#byHash.values()].reduce((sum, session) => sum + session.values.count, 0);
  }

  get valueBytes(): number {
    return [...this.#byHash.values()].reduce((sum, session) => sum + session.values.bytes, 0);
  }

  /** Throws ERR_OUT_OF_MEMORY when there are as many indices as there may be. */
  checkRoom(): void {
    const count = this.indexCount;
    if (count < this.#maxIndexes) return;
    throw new HnswError("ERR_OUT_OF_MEMORY", `${count + 1} indexes at this server, allowed: ${this.#maxIndexes}`);
  }

  start(): Session {
    const session = new Session(randomBytes(SECRET_BYTES).toString("hex"), this);
    this.#byHash.set(hash(session.secret), session);
    return session;
  }

  join(secret: string): Session {
    const session = this.#byHash.get(hash(secret));
    if (session === undefined) throw new HnswError("ERR_CLOSED", "no such session, or it has ended");
    return session;
  }

  /** Takes a member out; the last one ends the session. */
  leave(session: Session, member: unknown): void {
    session.members.delete(member);
    if (session.members.size > 0) return;
    this.#byHash.delete(hash(session.secret));
    session.end();
  }
}

function hash(secret: string): string {
  return createHash("sha256").update(secret).digest("base64");
}

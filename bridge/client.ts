/**
 * A small client for the command line: hello, and calls without rows. Programs in TypeScript use the
 * API in-process instead; other languages have docs/protocol.md.
 */
import { curveKeyPair, Dealer } from "zeromq";
import { type ErrorCode, HnswError } from "../src/index.ts";
import { type Header, isObject } from "./header.ts";
import { PROTOCOL, SERVER } from "./version.ts";

export interface ClientOptions {
  readonly endpoint: string;
  readonly token?: string | undefined;
  /** The server's public CURVE key, where it encrypts. */
  readonly serverKey?: string | undefined;
  /** For each answer; ERR_TIMEOUT after it. */
  readonly timeoutMs: number;
}

/** One connection in a session of its own. */
export class ControlClient {
  readonly #socket: Dealer;
  readonly #options: ClientOptions;
  #lastId = 0;

  private constructor(options: ClientOptions) {
    this.#options = options;
    this.#socket = new Dealer({
      linger: 0,
      receiveTimeout: options.timeoutMs,
      sendTimeout: options.timeoutMs,
      ...(options.serverKey !== undefined && { curveServerKey: options.serverKey, ...ownKeys() }),
    });
  }

  /** Connects and says hello. Rejects with the server's code, or ERR_TIMEOUT when nobody answers. */
  static async connect(options: ClientOptions): Promise<ControlClient> {
    const client = new ControlClient(options);
    try {
      client.#socket.connect(options.endpoint);
      await client.call("hello", { protocol: PROTOCOL, client: SERVER, token: options.token });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Sends a request and gives the fields of its reply. */
  async call(op: string, fields: object = {}): Promise<Header> {
    const id = ++this.#lastId;
    try {
      await this.#socket.send(JSON.stringify({ ...fields, op, id }));
      for (;;) {
        const answer = parse((await this.#socket.receive())[0]);
        if (answer.id === id || answer.id === null) return unwrap(answer);
      }
    } catch (error) {
      throw isTimeout(error) ? this.#timedOut() : error;
    }
  }

  #timedOut(): HnswError {
    const { endpoint, timeoutMs } = this.#options;
    return new HnswError("ERR_TIMEOUT", `no answer from ${endpoint} within ${timeoutMs} ms`);
  }

  close(): void {
    this.#socket.close();
  }
}

/** A pair for this connection alone. */
function ownKeys() {
  const { publicKey, secretKey } = curveKeyPair();
  return { curvePublicKey: publicKey, curveSecretKey: secretKey };
}

function parse(frame: Buffer | undefined): Header {
  const value: unknown = JSON.parse(frame?.toString() ?? "null");
  if (!isObject(value)) throw new HnswError("ERR_PROTOCOL", "the peer does not speak this protocol");
  return value;
}

function unwrap(answer: Header): Header {
  const { type, id, ...fields } = answer;
  if (type === "error") throw new HnswError(String(answer.code) as ErrorCode, String(answer.message));
  return fields;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

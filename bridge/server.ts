/**
 * The service: one ROUTER socket, one loop that receives, one outbox that sends.
 *
 * Computation runs on native threads behind the TypeScript API, so this loop is free to answer while
 * indices are built. A peer that has gone is found when something is sent to it: a beat looks after idle
 * ones, and a look at everybody follows whenever the socket reports a disconnect.
 */
import { setTimeout } from "node:timers/promises";
import { Router } from "zeromq";
import { HnswError } from "../src/index.ts";
import type { CurveKeys } from "./curve.ts";
import { CALLS, Dispatcher } from "./dispatch.ts";
import { hashToken } from "./door.ts";
import { type Endpoint, ipcEndpoint, tcpEndpoint } from "./endpoint.ts";
import { allowedDirectories } from "./files/allowed.ts";
import { DEFAULT_LIMITS, type Limits, maxFrameBytes } from "./limits.ts";
import { type Log, silentLog } from "./log.ts";
import { Memory } from "./memory.ts";
import { type MetricsEndpoint, serveMetrics } from "./metrics.ts";
import { Outbox } from "./outbox.ts";
import { Pace } from "./pace.ts";
import type { Service } from "./service.ts";
import { Sessions } from "./session.ts";
import { Counters } from "./stats.ts";
import { Turns } from "./turns.ts";

/** Where to listen, and how. Exactly one of `ipc` and `tcp`. */
export interface ServeOptions {
  /** A directory for the socket, or "auto" for a fresh private one. Default "auto". */
  ipc?: string;
  /** HOST:PORT; port 0 takes any free one. Needs `token`, and `curve` beyond loopback. */
  tcp?: string;
  /** The server's pair of CURVE keys: everything on the way is encrypted then. Only with `tcp`. */
  curve?: CurveKeys;
  /** Directories below which clients may have files of rows read. Default: none. */
  allowPaths?: readonly string[];
  /** HOST:PORT on loopback where monitors find `/metrics`. Default: nowhere. */
  metrics?: string;
  /** What clients must present. Required with `tcp`. */
  token?: string;
  /** Overrides of single limits. */
  limits?: Partial<Limits>;
  /** Bytes that the process may have in all. Default: a request may have four fifths of what the machine has free. */
  maxMemory?: number;
  /** Most threads of one computation. Default: what each client asks for, or all cores. */
  threads?: number;
  /** Gets log lines; silent by default. */
  log?: Log;
}

/** A running server. */
export interface RunningServer {
  /** A ZeroMQ address to connect to. */
  readonly endpoint: string;
  /** Where monitors ask, if they may. */
  readonly metricsUrl: string | undefined;
  /** Ends all calls with ERR_CLOSED, closes all indices and the socket, removes the socket file. */
  close(): Promise<void>;
}

/** Silence after which a connection gets an `alive`. */
const ALIVE_MS = 5000;
/** Messages of one peer that may wait for the loop, with a window of batches well below. */
const RECEIVE_QUEUE = 64;
/** Finds a client whose machine or network is gone without a word; its library answers below its program. */
const HEARTBEAT_MS = 2000;
const HEARTBEAT_TIMEOUT_MS = 10_000;
/** Time for last answers to leave after closing. */
const LINGER_MS = 500;
/** A disconnect is reported a moment before the ROUTER forgets the peer. */
const SWEEP_DELAY_MS = 50;
/** Pause after a failed receive. */
const RETRY_MS = 10;

/** Starts a server. Rejects with ERR_INVALID_ARGUMENT when the address is not allowed or not free. */
export async function serve(options: ServeOptions = {}): Promise<RunningServer> {
  const allowedPaths = await allowedDirectories(options.allowPaths ?? []);
  const endpoint = await chooseEndpoint(options);
  const server = new Server(options, endpoint, allowedPaths);
  try {
    await server.listen();
  } catch (error) {
    server.abort();
    throw error;
  }
  return server;
}

async function chooseEndpoint({ ipc, tcp, token, curve }: ServeOptions): Promise<Endpoint> {
  if (ipc !== undefined && tcp !== undefined)
    throw new HnswError("ERR_INVALID_ARGUMENT", "ipc and tcp, allowed: one of them");
  if (token === "") throw new HnswError("ERR_INVALID_ARGUMENT", "the token is empty");
  if (tcp !== undefined) return tcpEndpoint(tcp, token, curve !== undefined);
  if (curve !== undefined) throw new HnswError("ERR_INVALID_ARGUMENT", "CURVE keys without tcp, allowed: with tcp");
  return ipcEndpoint(ipc ?? "auto");
}

class Server implements RunningServer {
  readonly #socket: Router;
  readonly #endpoint: Endpoint;
  readonly #outbox: Outbox;
  readonly #dispatcher: Dispatcher;
  readonly #service: Service;
  readonly #metricsAt: string | undefined;
  #metrics: MetricsEndpoint | undefined;
  #beat: NodeJS.Timeout | undefined;
  #sweeping = false;
  #loop: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ServeOptions, endpoint: Endpoint, allowedPaths: readonly string[]) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const isTcp = endpoint.address.startsWith("tcp:");
    this.#endpoint = endpoint;
    this.#metricsAt = options.metrics;
    this.#socket = new Router({
      mandatory: true,
      ipv6: endpoint.address.startsWith("tcp://["),
      sendTimeout: 0,
      sendHighWaterMark: limits.sendQueue,
      receiveHighWaterMark: RECEIVE_QUEUE,
      maxMessageSize: maxFrameBytes(limits),
      linger: LINGER_MS,
      ...(isTcp && { heartbeatInterval: HEARTBEAT_MS, heartbeatTimeout: HEARTBEAT_TIMEOUT_MS }),
      ...(options.curve && { curveServer: true, curveSecretKey: options.curve.secretKey }),
    });
    this.#outbox = new Outbox(this.#socket, (peer) => this.#dispatcher.lost(peer));
    this.#service = {
      limits,
      counters: new Counters(CALLS),
      sessions: new Sessions(limits.maxIndexes),
      pace: new Pace(),
      turns: new Turns(limits.maxRunning),
      memory: new Memory(options.maxMemory),
      threads: options.threads,
      allowedPaths,
      log: options.log ?? silentLog,
      tokenHash: options.token === undefined ? undefined : hashToken(options.token),
      gauges: () => ({
        connections: this.#dispatcher.connectionCount,
        callsInFlight: this.#dispatcher.callsInFlight,
        bytesSent: this.#outbox.bytesSent,
      }),
    };
    this.#dispatcher = new Dispatcher(this.#service, this.#outbox);
  }

  get endpoint(): string {
    return this.#socket.lastEndpoint ?? this.#endpoint.address;
  }

  get metricsUrl(): string | undefined {
    return this.#metrics?.url;
  }

  async listen(): Promise<void> {
    if (this.#metricsAt !== undefined) this.#metrics = await serveMetrics(this.#metricsAt, this.#service);
    try {
      await this.#socket.bind(this.#endpoint.address);
    } catch (error) {
      throw new HnswError(
        "ERR_INVALID_ARGUMENT",
        `cannot listen at ${this.#endpoint.address}: ${(error as Error).message}`,
      );
    }
    this.#service.log("info", "listening", { endpoint: this.endpoint });
    this.#loop = this.#receiveAll();
    void this.#watchDisconnects();
    this.#beat = setInterval(() => this.#lookAfter(ALIVE_MS), ALIVE_MS / 5);
  }

  async #receiveAll(): Promise<void> {
    while (!this.#socket.closed) {
      try {
        this.#received(await this.#socket.receive());
      } catch (error) {
        // Closing ends the wait for a message. Anything else is a defect, and must not stop the loop or spin it.
        if (this.#socket.closed) return;
        this.#service.log("error", "receive failed", { error });
        await setTimeout(RETRY_MS);
      }
    }
  }

  #received([routingId, head, ...frames]: Uint8Array[]): void {
    for (const frame of frames) this.#service.counters.bytesReceived += frame.length;
    this.#service.counters.bytesReceived += head?.length ?? 0;
    if (routingId !== undefined) this.#dispatcher.receive(routingId, head, frames);
  }

  async #watchDisconnects(): Promise<void> {
    for await (const event of this.#socket.events) {
      if (event.type !== "disconnect" || this.#closing !== undefined) continue;
      void this.#sweepSoon();
    }
  }

  /** One look at everybody, however many disconnects are reported meanwhile. */
  async #sweepSoon(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    await setTimeout(SWEEP_DELAY_MS);
    this.#sweeping = false;
    if (this.#closing === undefined) this.#lookAfter(0);
  }

  /** Sends a sign of life to connections that got nothing for `idleMs`; those that are gone are found by it. */
  #lookAfter(idleMs: number): void {
    const now = performance.now();
    for (const connection of this.#dispatcher.connections) {
      if (now - connection.lastSent >= idleMs) connection.send({ type: "alive" });
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#beat);
    await this.#dispatcher.shutDown(new HnswError("ERR_CLOSED", "the server is shutting down"));
    this.abort();
    await this.#loop;
    this.#service.log("info", "closed");
  }

  /** Closes the socket and releases the address, without farewell. */
  abort(): void {
    this.#metrics?.close();
    this.#socket.close();
    this.#endpoint.release();
  }
}

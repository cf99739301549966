/**
 * Rows that a call carries, from promise to end: memory is reserved first, then filled inline, by a stream or out of a
 * file, then used, and freed on every way out. There is no half upload.
 */
import { HnswError } from "../src/index.ts";
import type { Call } from "./call.ts";
import { protocolError } from "./errors.ts";
import { placeFile } from "./files/place.ts";
import { flag, optional, pathText } from "./header.ts";
import type { Limits } from "./limits.ts";
import { type Placement, Sequence } from "./placement.ts";
import type { Destination, Promised } from "./promised.ts";
import type { Service } from "./service.ts";
import { streamRows } from "./upload.ts";

/** What a call expects to be sent, by name; sent in the order of the names. */
type Parts = Readonly<Record<string, Promised<Disposable>>>;

/** The same, arrived. */
type Received<P> = { [Name in keyof P]: P[Name] extends Promised<infer Content> | undefined ? Content : never };

/**
 * Gets what was promised, runs `work` on it, and frees its memory however that ends (unless `work` handed it
 * on). Throws ERR_PROTOCOL, ERR_OUT_OF_MEMORY, and what is wrong with the rows.
 */
export async function withReceived<P extends Partial<Parts>, T>(
  call: Call,
  parts: P,
  service: Service,
  work: (received: Received<P>) => Promise<T>,
): Promise<T> {
  const promised = Object.entries(parts).filter((entry): entry is [string, Promised<Disposable>] => entry[1] != null);
  const opened: Destination<Disposable>[] = [];
  try {
    await fill(
      call,
      promised.map(([, part]) => part),
      opened,
      service,
    );
    const contents = promised.map(([name], i) => [name, opened[i]?.content]);
    return await work(Object.fromEntries(contents) as Received<P>);
  } finally {
    for (const { content } of opened) content[Symbol.dispose]();
  }
}

/** Opens the memory of all parts, and places in it what the client sends. */
async function fill(
  call: Call,
  promised: readonly Promised<Disposable>[],
  opened: Destination<Disposable>[],
  service: Service,
): Promise<void> {
  const { limits, memory } = service;
  const path = optional(call.header, "path", pathText);
  const inline = checkInline(call, promised, limits, path);
  const bare = flag(call.header, "bare");
  const arrived = memory.promise("rows", sum(promised.map((part) => part.memoryBytes)));
  try {
    for (const part of promised) opened.push(part.open(service));
    const placement = inOrder(opened.map((destination) => destination.placement));
    if (placement.rows === 0) return;
    const { rows } = placement;
    if (path !== undefined) await placeNamed(call, path, promised, placement, service);
    else if (!inline) await streamRows(call, placement, limits);
    else placement.place({ start: 0, count: rows, frames: call.frames, bare, most: limits.inlineBytes });
  } finally {
    arrived();
  }
}

/** Whether the rows are in the message itself. Throws when they must not be. */
function checkInline(call: Call, parts: readonly Promised<Disposable>[], limits: Limits, path?: string): boolean {
  const inline = flag(call.header, "inline");
  const rows = sum(parts.map((part) => part.rows));
  if (call.frames.length > 0 && (!inline || rows === 0)) throw protocolError("Arrow frames where none are allowed");
  if (inline && path !== undefined) throw protocolError("inline and path, allowed: one of them");
  if ((inline || path !== undefined) && parts.length > 1)
    throw protocolError("two parts inline or by path, allowed: one");
  const bytes = sum(parts.map((part) => part.wireBytes));
  if (inline && bytes > limits.inlineBytes) {
    throw protocolError(`${bytes} bytes inline, allowed: ${limits.inlineBytes}`);
  }
  return inline;
}

async function placeNamed(
  call: Call,
  path: string,
  [promised]: readonly Promised<Disposable>[],
  placement: Placement,
  { allowedPaths }: Service,
): Promise<void> {
  if (allowedPaths.length === 0 || promised === undefined) {
    throw new HnswError("ERR_INVALID_ARGUMENT", "path, allowed: only at a server that was started with --allow-path");
  }
  await placeFile(call, path, promised, placement, allowedPaths);
}

function inOrder([first, second]: readonly Placement[]): Placement {
  if (first === undefined) throw protocolError("no rows are promised");
  return second === undefined ? first : new Sequence(first, second);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

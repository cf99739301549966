/** Operations that carry more than rows: values up, dumps of indices down and up again, files of other engines. */
import { HnswIndex } from "../src/index.ts";
import { ColumnFrames } from "./arrow/columns.ts";
import type { Call, Hooks } from "./call.ts";
import { bytesOf } from "./claims.ts";
import { openWindow, sendBytes, sendColumns } from "./download.ts";
import { protocolError } from "./errors.ts";
import { type Content, checkAllowsPaths, ofNamed } from "./files/load-file.ts";
import { flag, number, object, optional, pathText } from "./header.ts";
import { indexOf, keep } from "./index-operations.ts";
import { atMost, buildOptions } from "./options.ts";
import { promisedValue } from "./promised.ts";
import { withReceived } from "./received.ts";
import type { Service } from "./service.ts";

export async function put(call: Call, service: Service): Promise<object> {
  const { values } = call.connection.session;
  const value = promisedValue(call.header, service.limits, values);
  return withReceived(call, { value }, service, async (received) => ({ value: values.add(received.value) }));
}

export async function dump(call: Call, service: Service): Promise<undefined> {
  const index = indexOf(call);
  const rows = optional(call.header, "rows", flag) ?? true;
  // Claimed before anything is waited for: a value belongs to its call.
  const attachment = call.header.attachment == null ? undefined : bytesOf(call, call.header, "attachment");
  openWindow(call, service.limits);
  const { rowsBytes, graphBytes, linksBytes } = index.stats();
  service.memory.fit("dump", (rows ? rowsBytes : 0) + graphBytes + linksBytes);
  const bytes = await service.pace.beside(index, () =>
    call.compute((hooks) => index.dump({ rows, attachment, ...hooks })),
  );
  await sendBytes(call, bytes, service.limits);
}

export async function load(call: Call, service: Service): Promise<object> {
  service.sessions.checkRoom();
  const threads = atMost(optional(call.header, "threads", number), service.threads) as { threads?: number };
  const loaded = (content: Content, hooks: Hooks) =>
    typeof content === "string"
      ? HnswIndex.load(content, { ...threads, ...hooks })
      : HnswIndex.restore(content, { ...threads, ...hooks });
  return keep(call, await ofContent(call, service, loaded));
}

/** An index of hnswlib's file; the label of each row follows in batches, which tell of the index what the reply to `build` does. */
export async function importHnswlib(call: Call, service: Service): Promise<undefined> {
  const { limits, memory, sessions } = service;
  sessions.checkRoom();
  const options = buildOptions(call, optional(call.header, "options", object) ?? {}, service);
  openWindow(call, limits);
  const { index, labels } = await ofContent(call, service, (content, hooks) =>
    HnswIndex.importHnswlib(content, { ...options, ...hooks }),
  );
  const told = keep(call, index);
  try {
    memory.fit(`labels of ${labels.length} rows`, labels.byteLength);
    await sendColumns(call, "imported", told, [{ part: "labels", frames: new ColumnFrames({ labels }) }], limits);
  } catch (error) {
    // Nobody was told of all of it: nobody would close it.
    call.connection.session.drop(told.index);
    throw error;
  }
  return undefined;
}

/** What `make` makes of the bytes that the client put, or of the file that it named. */
function ofContent<T>(
  call: Call,
  { allowedPaths, memory }: Service,
  make: (content: Content, hooks: Hooks) => Promise<T>,
): Promise<T> {
  const path = optional(call.header, "path", pathText);
  if (path !== undefined) {
    if (call.header.bytes != null) throw protocolError("bytes and path, allowed: one of them");
    checkAllowsPaths(allowedPaths);
    return call.compute((hooks) => ofNamed(path, allowedPaths, memory, (content) => make(content, hooks)));
  }
  const bytes = bytesOf(call, call.header, "bytes");
  memory.fit("index", bytes.length);
  return call.compute((hooks) => make(bytes, hooks));
}

export async function attach(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const bytes = bytesOf(call, call.header, "bytes");
  service.memory.fit("products", bytes.length);
  await service.pace.beside(index, () => call.compute((hooks) => index.attach(bytes, hooks)));
  return {};
}

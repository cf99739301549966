/** Operations that carry more than rows: values up, dumps of indices down and up again. */
import { HnswIndex } from "../src/index.ts";
import type { Call, Hooks } from "./call.ts";
import { bytesOf } from "./claims.ts";
import { openWindow, sendBytes } from "./download.ts";
import { protocolError } from "./errors.ts";
import { checkAllowsPaths, loadNamed } from "./files/load-file.ts";
import { flag, number, optional, pathText } from "./header.ts";
import { indexOf, keep } from "./index-operations.ts";
import { atMost } from "./options.ts";
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
  const path = optional(call.header, "path", pathText);
  if (path !== undefined) {
    if (call.header.bytes != null) throw protocolError("bytes and path, allowed: one of them");
    checkAllowsPaths(service.allowedPaths);
    const named = (hooks: Hooks) => loadNamed(path, service.allowedPaths, service.memory, { ...threads, ...hooks });
    return keep(call, await call.compute(named));
  }
  const bytes = bytesOf(call, call.header, "bytes");
  service.memory.fit("index", bytes.length);
  return keep(call, await call.compute((hooks) => HnswIndex.restore(bytes, { ...threads, ...hooks })));
}

export async function attach(call: Call, service: Service): Promise<object> {
  const index = indexOf(call);
  const bytes = bytesOf(call, call.header, "bytes");
  service.memory.fit("products", bytes.length);
  await service.pace.beside(index, () => call.compute((hooks) => index.attach(bytes, hooks)));
  return {};
}

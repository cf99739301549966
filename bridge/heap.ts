/**
 * Numbers in the memory of a Python that runs in Pyodide: views on the WASM heap.
 *
 * A view is good until Python runs again: its memory may then grow, which moves it. So each is used within one call.
 */

/** An object of Python's that has a buffer, as Pyodide hands it over. */
export interface PythonBuffer {
  getBuffer(type: "u8"): View<Uint8Array>;
  getBuffer(type: "i32"): View<Int32Array>;
  getBuffer(type: "f32"): View<Float32Array>;
}

interface View<T> {
  readonly data: T;
  release(): void;
}

/** Runs `use` on the bytes of a buffer that lies in one piece. */
export function withBytes<T>(buffer: PythonBuffer, use: (bytes: Uint8Array) => T): T {
  return lent(buffer.getBuffer("u8"), use);
}

/** Runs `use` on integers, which must not keep them. */
export function withIntegers<T>(buffer: PythonBuffer, use: (integers: Int32Array) => T): T {
  return lent(buffer.getBuffer("i32"), use);
}

/** Copies integers into an array of Python's that has as many places. */
export function fillIntegers(target: PythonBuffer, integers: Int32Array): void {
  if (integers.length > 0) lent(target.getBuffer("i32"), (places) => places.set(integers));
}

/** Copies floats into an array of Python's that has as many places. */
export function fillFloats(target: PythonBuffer, floats: Float32Array): void {
  if (floats.length > 0) lent(target.getBuffer("f32"), (places) => places.set(floats));
}

function lent<T, Data>(view: View<Data>, use: (data: Data) => T): T {
  try {
    return use(view.data);
  } finally {
    view.release();
  }
}

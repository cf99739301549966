import { freemem, totalmem } from "node:os";
import { expect, test } from "vitest";
import { bytesThatFit, promiseBytes } from "./memory.ts";

const refused = expect.objectContaining({ code: "ERR_OUT_OF_MEMORY" });

test("what_fits_is_told_in_bytes", () => {
  expect(bytesThatFit("rows", 1000, 784, 4)).toBe(3_136_000);
  expect(bytesThatFit("rows", 0, 784, 4)).toBe(0);
});

test("more_than_the_machine_has_is_refused", () => {
  expect(() => bytesThatFit("rows", totalmem(), 1)).toThrow(refused);
});

test("a_product_beyond_safe_integers_is_refused", () => {
  expect(() => bytesThatFit("rows", 2 ** 31, 2 ** 20, 4)).toThrow(refused);
  expect(() => bytesThatFit("rows", 2 ** 31, 2 ** 31, 2 ** 31)).toThrow(refused);
});

test("what_is_promised_is_not_promised_again", () => {
  const most = Math.floor(0.6 * (process.availableMemory?.() ?? freemem()));
  const end = promiseBytes("rows", most);
  expect(() => promiseBytes("rows", most)).toThrow(refused);
  expect(() => bytesThatFit("result", most)).toThrow(refused);
  end();
  promiseBytes("rows", most)();
});

import { freemem, totalmem } from "node:os";
import { expect, test } from "vitest";
import { Memory } from "./memory.ts";

const refused = expect.objectContaining({ code: "ERR_OUT_OF_MEMORY" });
const MIB = 1 << 20;

test("what_fits_is_told_in_bytes", () => {
  const memory = new Memory();
  expect(memory.fit("rows", 1000, 784, 4)).toBe(3_136_000);
  expect(memory.fit("rows", 0, 784, 4)).toBe(0);
});

test("more_than_the_machine_has_is_refused", () => {
  expect(() => new Memory().fit("rows", totalmem(), 1)).toThrow(refused);
  expect(() => new Memory(2 * totalmem()).fit("rows", totalmem(), 1)).toThrow(refused);
});

test("a_product_beyond_safe_integers_is_refused", () => {
  expect(() => new Memory().fit("rows", 2 ** 31, 2 ** 20, 4)).toThrow(refused);
  expect(() => new Memory().fit("rows", 2 ** 31, 2 ** 31, 2 ** 31)).toThrow(refused);
});

test("what_is_promised_is_not_promised_again", () => {
  const memory = new Memory();
  const most = Math.floor(0.6 * (process.availableMemory?.() ?? freemem()));
  const end = memory.promise("rows", most);
  expect(() => memory.promise("rows", most)).toThrow(refused);
  expect(() => memory.fit("result", most)).toThrow(refused);
  end();
  memory.promise("rows", most)();
});

test("a_limit_counts_what_the_process_has_already", () => {
  const memory = new Memory(process.memoryUsage.rss() + 64 * MIB);
  expect(memory.fit("rows", 16 * MIB)).toBe(16 * MIB);
  expect(() => memory.fit("rows", 128 * MIB)).toThrow(refused);
  expect(() => new Memory(MIB).fit("rows", MIB)).toThrow(refused);
  // What is very small is let through: the answer that refuses it takes as much.
  expect(new Memory(MIB).fit("rows", 1000)).toBe(1000);
});

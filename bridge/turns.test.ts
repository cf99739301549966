import { expect, test } from "vitest";
import { type Leave, Turns } from "./turns.ts";

const never = new AbortController().signal;

/** Takes a place and writes down when it has it. */
async function take(turns: Turns, owner: string, name: string, order: string[], signal = never) {
  const leave = await turns.take(owner, signal);
  order.push(leave === undefined ? `${name} gave up` : name);
  return leave;
}

/** Lets everything that is due run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("as_many_run_as_there_are_places", async () => {
  const turns = new Turns(2);
  const order: string[] = [];
  const [first] = await Promise.all([take(turns, "a", "a1", order), take(turns, "a", "a2", order)]);
  const third = take(turns, "a", "a3", order);
  await settle();
  expect(order).toEqual(["a1", "a2"]);
  expect([turns.running, turns.length]).toEqual([2, 1]);
  first?.();
  await third;
  expect(order).toEqual(["a1", "a2", "a3"]);
  expect([turns.running, turns.length]).toEqual([2, 0]);
});

test("owners_take_turns_however_many_each_has_waiting", async () => {
  const turns = new Turns(1);
  const order: string[] = [];
  let leave: Leave | undefined = await take(turns, "a", "a0", order);
  const waiting = ["a1", "a2", "a3", "b1", "b2", "c1"].map((name) => take(turns, name.charAt(0), name, order));
  for (const _ of waiting) {
    leave?.();
    await settle();
    leave = await waiting[["a1", "a2", "a3", "b1", "b2", "c1"].indexOf(order.at(-1) ?? "")];
  }
  expect(order).toEqual(["a0", "a1", "b1", "c1", "a2", "b2", "a3"]);
});

test("one_that_gives_up_takes_nothing", async () => {
  const turns = new Turns(1);
  const order: string[] = [];
  const first = await take(turns, "a", "a1", order);
  const stop = new AbortController();
  const second = take(turns, "a", "a2", order, stop.signal);
  const third = take(turns, "b", "b1", order);
  stop.abort();
  expect(await second).toBeUndefined();
  first?.();
  (await third)?.();
  expect(order).toEqual(["a1", "a2 gave up", "b1"]);
  expect([turns.running, turns.length]).toEqual([0, 0]);
});

test("one_that_was_stopped_before_it_asked_takes_nothing", async () => {
  const turns = new Turns(1);
  expect(await turns.take("a", AbortSignal.abort())).toBeUndefined();
  expect(turns.running).toBe(0);
});

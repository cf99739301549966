import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Progress, Reporter } from "./progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const fail = (error: unknown) => expect.unreachable(String(error));

test("what_was_reported_is_told_at_once_and_again_while_nothing_changes", () => {
  const heard: Progress[] = [];
  const reporter = new Reporter((progress) => heard.push(progress));
  reporter.start(fail);
  vi.advanceTimersByTime(1000);
  expect(heard).toEqual([]);
  reporter.report({ phase: "graph", done: 0, total: 10 });
  expect(heard).toHaveLength(1);
  let longest = 0;
  for (let waited = 0, count = heard.length; waited < 2000; waited += 5) {
    vi.advanceTimersByTime(5);
    longest = heard.length > count ? 0 : longest + 5;
    count = heard.length;
    expect(longest).toBeLessThan(250);
  }
  expect(heard.length).toBeGreaterThan(8);
  reporter.stop();
  const told = heard.length;
  vi.advanceTimersByTime(2000);
  expect(heard).toHaveLength(told);
});

test("what_is_left_of_a_phase_follows_from_its_own_speed", () => {
  const heard: Progress[] = [];
  const reporter = new Reporter((progress) => heard.push(progress));
  reporter.report({ phase: "graph", done: 0, total: 1000 });
  vi.advanceTimersByTime(50);
  reporter.report({ phase: "graph", done: 10, total: 1000 });
  vi.advanceTimersByTime(950);
  reporter.report({ phase: "graph", done: 250, total: 1000 });
  // Another phase begins in its middle: what was done before it tells nothing about its speed.
  reporter.report({ phase: "links", done: 500, total: 1000 });
  vi.advanceTimersByTime(2000);
  reporter.report({ phase: "links", done: 600, total: 1000 });
  reporter.report({ phase: "links", done: 1000, total: 1000 });
  expect(heard.map(({ secondsLeft }) => secondsLeft)).toEqual([undefined, undefined, 3, undefined, 8, 0]);
});

test("what_the_listener_throws_is_handed_on", () => {
  const thrown = new Error("enough");
  let calls = 0;
  const reporter = new Reporter(() => {
    if (++calls > 1) throw thrown;
  });
  const failures: unknown[] = [];
  reporter.start((error) => {
    failures.push(error);
    reporter.stop();
  });
  reporter.report({ phase: "graph", done: 0, total: 10 });
  vi.advanceTimersByTime(1000);
  expect(failures).toEqual([thrown]);
  expect(() => reporter.report({ phase: "graph", done: 1, total: 10 })).toThrow(thrown);
});

import { expect, test } from "vitest";
import type { HnswIndex } from "../src/index.ts";
import { Pace } from "./pace.ts";

/** What Pace looks at of an index: how long its last query took. */
function indexOf(seconds: number | null) {
  return { closed: false, plan: { query: { seconds } } } as unknown as HnswIndex;
}

const here = () => "here";
const beside = async () => "beside";

test("a_query_is_answered_here_after_one_like_it_was_quick", async () => {
  const [pace, index] = [new Pace(), indexOf(1e-5)];
  expect(await pace.query(index, "a", here, beside)).toBe("beside");
  expect(await pace.query(index, "a", here, beside)).toBe("here");
  expect(await pace.query(index, "a", here, beside)).toBe("here");
});

test("a_query_of_another_kind_goes_beside_first", async () => {
  const [pace, index] = [new Pace(), indexOf(1e-5)];
  await pace.query(index, "a", here, beside);
  expect(await pace.query(index, "b", here, beside)).toBe("beside");
  expect(await pace.query(index, "a", here, beside)).toBe("beside");
});

test.each([[1], [null]])("a_query_that_took_%s_s_stays_beside", async (seconds) => {
  const [pace, index] = [new Pace(), indexOf(seconds)];
  await pace.query(index, "a", here, beside);
  expect(await pace.query(index, "a", here, beside)).toBe("beside");
});

test("a_query_that_was_slow_here_goes_beside_next", async () => {
  const [pace, index] = [new Pace(), indexOf(1e-5)];
  const slow = () => {
    for (const start = performance.now(); performance.now() - start < 2; );
    return "here";
  };
  await pace.query(index, "a", here, beside);
  expect(await pace.query(index, "a", slow, beside)).toBe("here");
  expect(await pace.query(index, "a", here, beside)).toBe("beside");
});

test("nothing_is_quick_while_work_runs_on_the_index_nor_right_after", async () => {
  const [pace, index] = [new Pace(), indexOf(1e-5)];
  await pace.query(index, "a", here, beside);
  let end = () => {};
  const work = pace.beside(index, () => new Promise<void>((resolve) => (end = resolve)));
  expect(pace.isQuick(index, "a")).toBe(false);
  expect(await pace.query(index, "a", here, beside)).toBe("beside");
  end();
  await work;
  expect(await pace.query(index, "a", here, beside)).toBe("beside");
  expect(await pace.query(index, "a", here, beside)).toBe("here");
});

test("of_queries_that_overlap_none_is_taken_for_quick", async () => {
  const [pace, index] = [new Pace(), indexOf(1e-5)];
  let end = (_: string) => {};
  const long = pace.query(index, "long", here, () => new Promise<string>((resolve) => (end = resolve)));
  expect(await pace.query(index, "short", here, beside)).toBe("beside");
  expect(pace.isQuick(index, "short")).toBe(false);
  end("beside");
  await long;
  expect(pace.isQuick(index, "long")).toBe(false);
});

test("work_that_fails_is_no_longer_running", async () => {
  const [pace, index] = [new Pace(), indexOf(1e-5)];
  await expect(pace.beside(index, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await pace.query(index, "a", here, beside);
  expect(pace.isQuick(index, "a")).toBe(true);
});

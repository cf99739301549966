import { describe, expect, test } from "vitest";
import { HnswIndex } from "../src/index.ts";
import { Sessions } from "./session.ts";

const makeIndex = () => HnswIndex.build([[1], [2], [3]]);

describe("a session", () => {
  test("closes_its_indexes_when_the_last_member_leaves", async () => {
    const sessions = new Sessions(100);
    const session = sessions.start();
    const indexes = [await makeIndex(), await makeIndex()];
    session.members.add("one").add("two");
    expect(indexes.map((index) => session.add(index))).toEqual(["1", "2"]);
    sessions.leave(session, "one");
    expect(indexes.map(({ closed }) => closed)).toEqual([false, false]);
    sessions.leave(session, "two");
    expect(indexes.map(({ closed }) => closed)).toEqual([true, true]);
    expect(sessions).toMatchObject({ size: 0, indexCount: 0 });
    expect(() => sessions.join(session.secret)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });

  test("closes_an_index_that_is_one_too_many", async () => {
    const sessions = new Sessions(1);
    const [session, other] = [sessions.start(), sessions.start()];
    session.add(await makeIndex());
    const index = await makeIndex();
    expect(() => other.add(index)).toThrow(expect.objectContaining({ code: "ERR_OUT_OF_MEMORY" }));
    expect(index.closed).toBe(true);
    session.close("1");
    expect(other.add(await makeIndex())).toBe("1");
  });

  test("closes_an_index_that_arrives_after_its_end", async () => {
    const sessions = new Sessions(100);
    const session = sessions.start();
    sessions.leave(session, "nobody");
    const index = await makeIndex();
    expect(() => session.add(index)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    expect(index.closed).toBe(true);
  });

  test("frees_an_index_that_is_closed_and_remembers_its_id", async () => {
    const session = new Sessions(100).start();
    const index = await makeIndex();
    const id = session.add(index);
    session.close(id);
    expect(index.closed).toBe(true);
    expect(() => session.index(id)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    for (const unknown of ["2", "0", "01", "-1", "1.0", "", "__proto__", "9".repeat(30)]) {
      expect(() => session.index(unknown), unknown).toThrow(expect.objectContaining({ code: "ERR_UNKNOWN_ID" }));
    }
  });

  test("has_a_secret_of_256_random_bits", () => {
    const sessions = new Sessions(100);
    const secrets = new Set(Array.from({ length: 50 }, () => sessions.start().secret));
    expect(secrets.size).toBe(50);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{64}$/);
  });
});

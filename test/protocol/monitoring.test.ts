/** What a monitor sees: the counters as Prometheus text, over real HTTP. */
import { describe, expect, test } from "vitest";
import { randomMatrix } from "./support/arrow.ts";
import { useServers } from "./support/server.ts";

const { start, connect } = useServers();
const matrix = randomMatrix(500, 8, 91);

/** Samples by name and label, after a check that each is announced with a type and a help line. */
async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = new Map<string, number>();
  let announced = "";
  for (const line of (await response.text()).trimEnd().split("\n")) {
    const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line);
    if (type !== null) announced = type[1] ?? "";
    else if (!line.startsWith("# HELP ")) {
      const [, name = "", label = "", value = ""] = /^(\w+)(\{\w+="\w+"\})? (-?[\d.e+-]+)$/.exec(line) ?? [];
      expect(name, line).toBe(announced);
      samples.set(name.replace("hnsw_bridge_", "") + label, Number(value));
    }
  }
  return samples;
}

describe("metrics", () => {
  test("count_requests_seconds_rows_errors_and_memory", async () => {
    const server = await start({ metrics: "127.0.0.1:0" });
    const client = await connect(server);
    const index = await client.build(matrix, { n_neighbors: 5 });
    await client.query(index, matrix, 3);
    await expect(client.call("close", { index: "9" })).rejects.toMatchObject({ code: "ERR_UNKNOWN_ID" });
    const samples = await scrape(server.metricsUrl ?? "");
    expect(samples.get('requests_total{op="build"}')).toBe(1);
    expect(samples.get('requests_total{op="query"}')).toBe(1);
    expect(samples.get('requests_total{op="update"}')).toBe(0);
    expect(samples.get('request_seconds_total{op="query"}')).toBeGreaterThan(0);
    expect(samples.get('errors_total{code="ERR_UNKNOWN_ID"}')).toBe(1);
    expect(samples.get("rows_received_total")).toBe(1000);
    expect(samples.get("rows_sent_total")).toBe(500);
    expect(samples.get("copied_bytes_total")).toBe(2 * 500 * 8 * 4);
    expect(samples.get("indexes")).toBe(1);
    expect(samples.get("memory_resident_bytes")).toBeGreaterThan(20e6);
    expect(samples.get("computations_waiting")).toBe(0);
  });

  test("tell_how_many_computations_wait", async () => {
    const server = await start({ metrics: "127.0.0.1:0", limits: { maxRunning: 1 } });
    const client = await connect(server);
    const index = await client.build(randomMatrix(30_000, 64, 92), { algorithm: "exact", threads: 1 });
    for (const id of [1, 2, 3]) await client.send({ op: "neighbor_graph", id, index });
    await client.when(({ header }) => header.type === "progress" && header.phase === "waiting");
    const samples = await scrape(server.metricsUrl ?? "");
    expect(samples.get("computations_running")).toBe(1);
    expect(samples.get("computations_waiting")).toBe(2);
    for (const target of [1, 2, 3]) await client.call("cancel", { target });
    await expect.poll(async () => (await scrape(server.metricsUrl ?? "")).get("computations_running")).toBe(0);
  });

  test("are_nowhere_unless_asked_for_and_never_beyond_loopback", async () => {
    expect((await start()).metricsUrl).toBeUndefined();
    for (const metrics of ["0.0.0.0:0", "example.org:80", "9100"]) {
      await expect(start({ metrics })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
  });

  test("have_one_path_and_end_with_the_server", async () => {
    const server = await start({ metrics: "localhost:0" });
    const url = server.metricsUrl ?? "";
    expect((await fetch(url.replace("metrics", "secrets"))).status).toBe(404);
    await server.close();
    await expect(fetch(url)).rejects.toThrow();
  });

  test("at_a_port_that_is_taken_are_an_error_and_leave_no_server_behind", async () => {
    const { metricsUrl } = await start({ metrics: "127.0.0.1:0" });
    const taken = new URL(metricsUrl ?? "").host;
    await expect(start({ metrics: taken })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

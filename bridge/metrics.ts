/**
 * What a monitor asks for: the server's counters as Prometheus text, over plain HTTP on loopback.
 *
 * The format: https://prometheus.io/docs/instrumenting/exposition_formats/. Nothing about rows, clients or tokens is told.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HnswError } from "../src/index.ts";
import { loopbackAddress } from "./endpoint.ts";
import { type ServerStats, serverStats } from "./server-stats.ts";
import type { Service } from "./service.ts";

/** A listening endpoint for monitors. */
export interface MetricsEndpoint {
  readonly url: string;
  close(): void;
}

/** Serves `/metrics` at HOST:PORT of loopback, port 0 for any free one. Rejects with ERR_INVALID_ARGUMENT. */
export async function serveMetrics(hostPort: string, service: Service): Promise<MetricsEndpoint> {
  const { host, port } = loopbackAddress(hostPort);
  const server = createServer((request, response) => {
    const found = request.url === "/metrics";
    response.writeHead(found ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(found ? prometheusText(serverStats(service)) : "see /metrics\n");
  });
  await listen(server, host, port);
  const { address, port: chosen, family } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${chosen}/metrics`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, close };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = ({ message }: Error) =>
      reject(new HnswError("ERR_INVALID_ARGUMENT", `cannot listen at ${host}:${port}: ${message}`));
    server.once("error", failed);
    server.listen(port, host, () => {
      server.removeListener("error", failed);
      resolve();
    });
  });
}

/** A metric: what it is, and its values by label. */
type Metric = readonly [name: string, type: "counter" | "gauge", help: string, values: Values];
type Values = number | { readonly label: string; readonly of: Readonly<Record<string, number>> };

/** All counters in Prometheus' text format, each with its type and a line of help. */
export function prometheusText(stats: ServerStats): string {
  const metrics: Metric[] = [
    ["requests_total", "counter", "Calls accepted, by operation.", { label: "op", of: stats.calls }],
    [
      "request_seconds_total",
      "counter",
      "Time from request to answer, by operation.",
      { label: "op", of: stats.seconds },
    ],
    ["errors_total", "counter", "Errors sent, by code.", { label: "code", of: stats.errors }],
    ["rows_received_total", "counter", "Rows placed in memory: built, queried, updated.", stats.rowsReceived],
    ["rows_sent_total", "counter", "Rows of results sent.", stats.rowsSent],
    ["received_bytes_total", "counter", "Bytes received.", stats.bytesReceived],
    ["sent_bytes_total", "counter", "Bytes sent.", stats.bytesSent],
    ["copied_bytes_total", "counter", "Bytes copied from received frames to where they stay.", stats.bytesCopied],
    ["connections", "gauge", "Clients connected.", stats.connections],
    ["sessions", "gauge", "Sessions.", stats.sessions],
    ["indexes", "gauge", "Indexes of all sessions.", stats.indexes],
    ["calls_in_flight", "gauge", "Calls whose work has not ended.", stats.callsInFlight],
    ["computations_running", "gauge", "Computations that run.", stats.computations.running],
    [
      "computations_waiting",
      "gauge",
      "Computations that wait for their turn: the queue's depth.",
      stats.computations.waiting,
    ],
    ["memory_resident_bytes", "gauge", "Resident memory of the process.", stats.memory.rss],
    ["uptime_seconds", "gauge", "Time since the start.", stats.uptimeS],
  ];
  return metrics.map(lines).join("");
}

function lines([name, type, help, values]: Metric): string {
  const full = `hnsw_bridge_${name}`;
  const head = `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n`;
  if (typeof values === "number") return `${head}${full} ${values}\n`;
  // Labels are operations and error codes: names of ours, which need no escaping.
  const labelled = Object.entries(values.of).map(([key, value]) => `${full}{${values.label}="${key}"} ${value}\n`);
  return head + labelled.join("");
}

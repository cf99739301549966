/** Servers and clients that a test cannot forget to close. */
import { afterEach } from "vitest";
import { type RunningServer, type ServeOptions, serve } from "../../../bridge/index.ts";
import { RawClient } from "./client.ts";

/** Gives functions that start servers and clients for one test and closes them after it. */
export function useServers() {
  const clients: RawClient[] = [];
  const servers: RunningServer[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const server of servers.splice(0)) await server.close();
  });
  const track = (client: RawClient): RawClient => {
    clients.push(client);
    return client;
  };
  return {
    start: async (options: ServeOptions = {}): Promise<RunningServer> => {
      const server = await serve(options);
      servers.push(server);
      return server;
    },
    connect: async (server: { endpoint: string }, hello: object = {}): Promise<RawClient> =>
      track(await RawClient.connect(server.endpoint, hello)),
    raw: (server: { endpoint: string }, routingId?: string): RawClient =>
      track(RawClient.raw(server.endpoint, routingId)),
  };
}

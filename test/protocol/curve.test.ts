/** Encrypted connections: keys as files, a real CURVE client, and clients that are none. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { curveKeyPair, Dealer } from "zeromq";
import { ControlClient } from "../../bridge/client.ts";
import { checkKey, readKeys, readPublicKey, writeKeys } from "../../bridge/curve.ts";
import { useServers } from "./support/server.ts";

const { start } = useServers();
const token = "a token";
const directory = mkdtempSync(join(tmpdir(), "hnsw-curve-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const curve = curveKeyPair();
const connect = (endpoint: string, serverKey?: string) =>
  ControlClient.connect({ endpoint, token, serverKey, timeoutMs: 1500 });

describe("a server with a key", () => {
  test("answers_a_client_that_knows_its_public_half", async () => {
    const { endpoint } = await start({ tcp: "127.0.0.1:0", token, curve });
    const client = await connect(endpoint, curve.publicKey);
    expect(await client.call("ping")).toEqual({});
    client.close();
  });

  test("does_not_answer_one_that_knows_another_key_or_none", async () => {
    const { endpoint } = await start({ tcp: "127.0.0.1:0", token, curve });
    await expect(connect(endpoint, curveKeyPair().publicKey)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    await expect(connect(endpoint)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    const client = await connect(endpoint, curve.publicKey);
    expect((await client.call("stats")).server).toMatchObject({ connections: 1, calls: { hello: 1 } });
    client.close();
  });

  test("asks_for_the_token_all_the_same", async () => {
    const { endpoint } = await start({ tcp: "127.0.0.1:0", token, curve });
    const guess = { endpoint, token: "wrong", serverKey: curve.publicKey, timeoutMs: 3000 };
    await expect(ControlClient.connect(guess)).rejects.toMatchObject({ code: "ERR_UNAUTHORIZED" });
  });

  test("carries_frames_of_many_kilobytes", async () => {
    const { endpoint } = await start({ tcp: "127.0.0.1:0", token, curve });
    const { publicKey, secretKey } = curveKeyPair();
    const keys = { curveServerKey: curve.publicKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
    const socket = new Dealer({ linger: 0, receiveTimeout: 5000, ...keys });
    socket.connect(endpoint);
    const ask = async (header: object, ...frames: Uint8Array[]) => {
      await socket.send([JSON.stringify(header), ...frames]);
      return JSON.parse(String((await socket.receive())[0]));
    };
    expect(await ask({ op: "hello", id: 1, protocol: [1, 1], token })).toMatchObject({ type: "reply" });
    const rows = { rows: 1000, dim: 100, dtype: "float32", inline: true, bare: true };
    const values = new Uint8Array(new Float32Array(100_000).map((_, i) => i % 101).buffer);
    expect(await ask({ op: "build", id: 2, ...rows }, values)).toMatchObject({ type: "reply", rows: 1000 });
    socket.close();
  });
});

describe("beyond loopback", () => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each !== undefined && !each.internal && each.family === "IPv4")?.address;

  test("nothing_is_offered_without_a_key", async () => {
    await expect(start({ tcp: "0.0.0.0:0", token })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("--curve-key"),
    });
  });

  test("a_token_is_asked_for_beside_the_key", async () => {
    await expect(start({ tcp: "0.0.0.0:0", curve })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  test("a_server_with_both_listens_on_every_address", async ({ skip }) => {
    const server = await start({ tcp: "0.0.0.0:0", token, curve });
    if (address === undefined) skip("this machine has no address beyond loopback");
    const client = await connect(server.endpoint.replace("0.0.0.0", address ?? ""), curve.publicKey);
    expect(await client.call("ping")).toEqual({});
    client.close();
  });

  test("names_are_not_resolved", async () => {
    await expect(start({ tcp: "example.org:80", token, curve })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});

describe("key files", () => {
  test("hold_what_was_written_and_the_secret_is_the_owners_alone", () => {
    const { publicFile, secretFile } = writeKeys(join(directory, "pair"), curve);
    expect(readKeys(secretFile)).toEqual(curve);
    expect(readPublicKey(publicFile)).toBe(curve.publicKey);
    expect(readPublicKey(secretFile)).toBe(curve.publicKey);
    expect(statSync(secretFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(publicFile, "utf8")).not.toContain(curve.secretKey);
  });

  test("are_never_written_over", () => {
    writeKeys(join(directory, "kept"), curve);
    expect(() => writeKeys(join(directory, "kept"), curveKeyPair())).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    expect(readKeys(join(directory, "kept.key_secret"))).toEqual(curve);
  });

  test("that_others_can_read_or_that_hold_no_key_are_refused", () => {
    const refused = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    const open = join(directory, "open.key_secret");
    writeFileSync(open, `secret-key = "${curve.secretKey}"\npublic-key = "${curve.publicKey}"`, { mode: 0o644 });
    expect(() => readKeys(open)).toThrow(refused);
    const empty = join(directory, "empty");
    writeFileSync(empty, "nothing", { mode: 0o600 });
    expect(() => readKeys(empty)).toThrow(refused);
    expect(() => readPublicKey(join(directory, "missing"))).toThrow(refused);
  });

  test("a_key_given_as_text_is_checked_and_not_shown", () => {
    expect(checkKey(curve.publicKey)).toBe(curve.publicKey);
    const wrong = `${curve.secretKey}x`;
    expect(() => checkKey(wrong)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    expect(() => checkKey(wrong)).not.toThrow(new RegExp(curve.secretKey.slice(0, 8).replace(/\W/g, "\\$&")));
  });
});

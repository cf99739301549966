import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { checkSizes, sizes } from "../../scripts/lib/package/sizes.mjs";

describe("what packages may weigh", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hnsw-sizes-"));
    vi.spyOn(console, "log").mockImplementation(() => {});
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    vi.restoreAllMocks();
  });

  function made(bytes: Record<string, number>) {
    const [main, tarball, addon, wheel] = ["a.tgz", "b.tgz", "c.node", "d.whl"].map((name) => {
      const path = join(folder, name);
      writeFileSync(path, "");
      truncateSync(path, bytes[name] ?? 1);
      return path;
    });
    return { npm: { main, platforms: [{ tarball, addon }] }, wheel };
  }

  it.each([
    ["the addon, 6 MB", { "c.node": 6e6 }, "c.node"],
    ["both tarballs together, 4 MB", { "a.tgz": 1e6, "b.tgz": 3e6 }, "a.tgz and b.tgz"],
    ["the wheel, 12 MB", { "d.whl": 12e6 }, "d.whl"],
  ])("%s, and not a byte more", (_, bytes: Record<string, number>, what) => {
    expect(() => checkSizes(sizes(made(bytes)))).not.toThrow();
    const [name, most] = Object.entries(bytes)[0] as [string, number];
    expect(() => checkSizes(sizes(made({ ...bytes, [name]: most + 1 })))).toThrow(`larger than allowed: ${what}`);
  });

  it("leaves out the wheel where there is none", () => {
    expect(sizes({ ...made({}), wheel: undefined })).toHaveLength(2);
  });
});

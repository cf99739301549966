/** For what `npm run package` made: installed and used as a user would. `npm run test:package` makes it first. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/package/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    retry: 0,
  },
});

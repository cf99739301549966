import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "src/**/*.test.ts", "bridge/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/package/**"],
    typecheck: {
      enabled: true,
      include: ["test/**/*.test-d.ts"],
      tsconfig: "./tsconfig.json",
      // Only the type tests themselves: the sources have their own `tsc` run in `npm run check`.
      ignoreSourceErrors: true,
    },
    // Native threads do the work: few files at once, each in a process of its own.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});

// node bench/fuzz/run.mjs [--minutes 10] [--jobs 1] [--plain]: coverage-guided fuzzing of stored indexes, by libFuzzer.
// With a nightly toolchain the address sanitizer watches; without one, or with --plain, bounds and overflow checks do.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const OUT = join(HERE, "..", "out", "fuzz");

// What cargo-fuzz passes, too: edges counted in 8 bits each, comparisons traced.
const COVERAGE = [
  "-Cpasses=sancov-module",
  "-Cllvm-args=-sanitizer-coverage-level=4",
  "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
  "-Cllvm-args=-sanitizer-coverage-pc-table",
  "-Cllvm-args=-sanitizer-coverage-trace-compares",
  "-Ccodegen-units=1",
];

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    jobs: { type: "string", default: "1" },
    plain: { type: "boolean", default: false },
  },
});

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (error) throw error;
  return status ?? 1;
}

function text(command, args) {
  return spawnSync(command, args, { encoding: "utf8" }).stdout ?? "";
}

const host = /^host: (.*)$/m.exec(text("rustc", ["-vV"]))?.[1] ?? "";
const sanitizer = !values.plain && text("rustup", ["toolchain", "list"]).includes("nightly");
const toolchain = sanitizer ? ["+nightly"] : [];
const flags = [...COVERAGE, ...(sanitizer ? ["-Zsanitizer=address"] : [])].join(" ");
const target = join(OUT, sanitizer ? "target-address" : "target");
const manifest = ["--manifest-path", join(HERE, "Cargo.toml"), "--release"];

mkdirSync(join(OUT, "corpus"), { recursive: true });
console.log(
  `fuzz: coverage-guided (libFuzzer), ${sanitizer ? "address sanitizer" : "no sanitizer"}, ${values.minutes} min`,
);
const seeds = ["run", ...manifest, "--target-dir", join(OUT, "target-seeds"), "--bin", "seeds", join(OUT, "seeds")];
const build = [...toolchain, "build", ...manifest, "--bin", "load", "--target", host, "--target-dir", target];
let status = run("cargo", seeds) || run("cargo", build, { RUSTFLAGS: flags });
if (status === 0) {
  const limits = [
    "-rss_limit_mb=4096",
    "-malloc_limit_mb=2048",
    "-timeout=30",
    "-max_len=65536",
    "-print_final_stats=1",
  ];
  const time = `-max_total_time=${Math.round(60 * Number(values.minutes))}`;
  const jobs = Number(values.jobs) > 1 ? [`-fork=${values.jobs}`] : [];
  const folders = [join(OUT, "corpus"), join(OUT, "seeds")];
  const binary = join(target, host, "release", "load");
  status = run(binary, [...limits, time, ...jobs, `-artifact_prefix=${OUT}/`, ...folders], {
    ASAN_OPTIONS: "detect_leaks=0",
  });
}
process.exitCode = status;

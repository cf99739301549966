import { describe, expect, it } from "vitest";
import { countClosing, countPytest, countRust, countVitest, sum } from "../../scripts/lib/suites.mjs";

describe("counts for the closing line", () => {
  it("adds up all test binaries of cargo", () => {
    const text = [
      "running 3 tests",
      "test a ... ok",
      "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
      "test result: FAILED. 4 passed; 5 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
    ].join("\n");
    expect(countRust(text)).toEqual({ passed: 6, failed: 5, skipped: 1 });
    expect(countRust("error: could not compile")).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });

  it("counts a file that vitest could not load as a failure", () => {
    const report = {
      numPassedTests: 7,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 1,
      testResults: [
        { status: "failed", assertionResults: [] },
        { status: "failed", assertionResults: [{}] },
        { status: "passed", assertionResults: [{}] },
      ],
    };
    expect(countVitest(JSON.stringify(report))).toEqual({ passed: 7, failed: 2, skipped: 3 });
  });

  it("counts errors of pytest as failures", () => {
    const xml = `<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2"
      skipped="3" tests="10" time="0.1"><testcase name="tests=&quot;99&quot;"/></testsuite></testsuites>`;
    expect(countPytest(xml)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  });

  it("reads its own closing line, the last one", () => {
    const text =
      "rust: 1 passed, 0 failed, 0 skipped\n4 passed, 0 failed, 0 skipped\n\n7 passed, 2 failed, 1 skipped\nend";
    expect(countClosing(text)).toEqual({ passed: 7, failed: 2, skipped: 1 });
    expect(countClosing("check: all good")).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });

  it("sums", () => {
    const one = { passed: 1, failed: 2, skipped: 3 };
    expect(sum([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6 });
    expect(sum([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

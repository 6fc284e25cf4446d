// Reads Vitest's JSON report. Apart from test.mjs so that a test can hold it to account.

/**
 * Passed, failed and skipped tests. A file that could not be loaded counts as one failure, and so does a run that
 * failed for a reason that no test shows (an unhandled rejection, no test found, no report at all).
 */
export function countTests(report, exitCode) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const failed = report.numFailedTests + unloaded.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

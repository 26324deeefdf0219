/** One thing wrong with an input file, with its place and what would have been right. Lines and columns count from 1. */
export interface Problem {
  /** Path of the file or directory, or `$NAME` for an environment variable. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What would be accepted there; null when the message says it all. */
  readonly expected: string | null;
}

/** `file:line:column: message (expected …)`, the form that editors and CI systems turn into a link. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.expected === null
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.message} (expected ${problem.expected})`;
}

import { homedir } from "node:os";

/** What settings depend on besides files. */
export interface ProcessFacts {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly isRoot: boolean;
  readonly userId: number;
}

/** Those of this process: the one place that looks at its environment variables. */
export function processFacts(): ProcessFacts {
  const userId = process.getuid?.() ?? 0;
  return {
    variables: process.env,
    workingDirectory: process.cwd(),
    homeDirectory: homedir(),
    isRoot: userId === 0,
    userId,
  };
}

import { posix } from "node:path";

/** The code base's own rules, checked over the text of its files. */
export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  readonly rule: string;
  readonly detail: string;
}

/**
 * Who may import whom: the first folder under `src/` → folders it may import from, besides itself and `model`. What
 * stands in `npm` may use packages and Node's own modules.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  json: ["npm"],
  ports: [],
  settings: ["ports", "json", "npm"],
  desired: ["ports", "json", "npm"],
  observe: ["ports"],
  plan: [],
  act: ["ports", "npm"],
  report: ["ports", "npm"],
  loop: ["ports", "desired", "observe", "plan", "act", "report", "npm"],
  adapters: ["ports", "json", "settings", "npm"],
  wiring: [
    "cli",
    "ports",
    "settings",
    "desired",
    "observe",
    "plan",
    "act",
    "report",
    "loop",
    "adapters",
    "server",
    "npm",
  ],
  server: ["ports", "report", "settings", "npm"],
  cli: ["ports", "report", "settings", "npm"],
};

/** Files that stand directly in `src/`: they put everything together. */
const roots = new Set(["src/bin.ts", "src/ordinary.ts", "src/wiring.ts", "src/version.ts"]);

const LINES_MAX = 300;

const forbidden: readonly {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly where: (path: string) => boolean;
  readonly inComments?: boolean;
}[] = [
  {
    rule: "time enters through the clock port",
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bset(?:Timeout|Interval|Immediate)\b/,
    where: (path) => !path.startsWith("src/adapters/"),
  },
  {
    rule: "chance enters through the random port",
    pattern: /\bMath\.random\b|\brandomUUID\b/,
    where: (path) => !path.startsWith("src/adapters/"),
  },
  {
    rule: "only settings read the environment",
    pattern: /\bprocess\.env\b/,
    where: (path) => !path.startsWith("src/settings/") && path !== "src/bin.ts",
  },
  { rule: "no any", pattern: /(?::\s*|\bas\s+|<)any\b/, where: () => true },
  {
    rule: "no check is silenced without a reason",
    pattern: /@ts-(?:ignore|nocheck|expect-error)|(?:oxlint|eslint)-disable(?![^\n]*--)/,
    where: () => true,
    inComments: true,
  },
  {
    rule: "no enum, no default export",
    pattern: /^\s*(?:export\s+)?(?:const\s+)?enum\s|^export default/m,
    where: () => true,
  },
  {
    rule: "nothing is left for later without an issue",
    pattern: /\b(?:TODO|FIXME|XXX)\b(?!\s*\(#\d+\))/,
    where: () => true,
    inComments: true,
  },
  {
    rule: "no drawers for everything",
    pattern: /\bclass \w+(?:Manager|Helper|Util|Processor)\b/,
    where: () => true,
  },
];

/** Every breach of a rule, in the order of the files. */
export function violationsIn(files: readonly SourceFile[]): readonly Violation[] {
  const sources = files.filter(({ path }) => path.startsWith("src/") && !path.includes("/generated/"));
  return sources.flatMap((file) => [...importViolations(file), ...textViolations(file), ...sizeViolations(file)]);
}

/** Module specifiers of all static and dynamic imports and re-exports. */
export function importsOf(text: string): readonly string[] {
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s+(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? "");
}

function importViolations({ path, text }: SourceFile): readonly Violation[] {
  if (roots.has(path)) return [];
  const from = path.split("/")[1] ?? "";
  const allowed = mayImport[from];
  if (allowed === undefined) {
    return [{ path, rule: "every folder of src is in the import table", detail: `src/${from} is not` }];
  }
  return importsOf(text).flatMap((specifier): readonly Violation[] => {
    const rule = "the import table holds";
    if (!specifier.startsWith(".")) {
      return allowed.includes("npm") ? [] : [{ path, rule, detail: `${from}/ may not import ${specifier}` }];
    }
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    const to = target.split("/")[1] ?? "";
    if (from === "adapters" && to === "adapters") return adapterViolations(path, target);
    if (to === from || to === "model" || allowed.includes(to) || target === "src/version.ts") return [];
    return [{ path, rule, detail: `${from}/ may not import ${target}` }];
  });
}

/** Adapters do not import each other; what stands directly in `adapters/` is shared by them. */
function adapterViolations(path: string, target: string): readonly Violation[] {
  const own = path.split("/").length > 3 ? path.split("/")[2] : "";
  const other = target.split("/").length > 3 ? target.split("/")[2] : "";
  if (own === other || other === "") return [];
  return [{ path, rule: "adapters do not import each other", detail: target }];
}

function textViolations({ path, text }: SourceFile): readonly Violation[] {
  const code = withoutComments(text);
  return forbidden.flatMap(({ rule, pattern, where, inComments }): readonly Violation[] => {
    const found = where(path) ? pattern.exec(inComments === true ? text : code) : null;
    return found === null ? [] : [{ path, rule, detail: found[0].trim() }];
  });
}

function sizeViolations({ path, text }: SourceFile): readonly Violation[] {
  const lines = text.split("\n").length - 1;
  // A schema is a table with a row for each field, and is read like one.
  const max = path.endsWith("schema.ts") ? 2 * LINES_MAX : LINES_MAX;
  return lines > max ? [{ path, rule: "a file is one idea", detail: `${lines} lines, at most ${max}` }] : [];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/[^\n]*/g, "$1");
}

import { Liquid } from "liquidjs";
import type { Message } from "../../ports/notifier.ts";

/** What a template sees. */
export interface TemplateView {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly subject: string;
  readonly state: "firing" | "resolved";
  readonly severity: "warning" | "critical";
  readonly environment: string;
  readonly title: string;
  /** The first line: what and since when. */
  readonly what: string;
  /** All of it as plain text, several lines. */
  readonly text: string;
  /** ISO 8601. */
  readonly since: string;
  readonly at: string;
  readonly services: readonly string[];
  readonly sections: readonly { readonly heading: string; readonly lines: readonly string[] }[];
}

export interface TemplateProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A template that can be rendered. It reads no files, runs for a second at the most, and knows no name it was not given. */
export type Template = (message: Message) => string;

/** Throws what `checkTemplate` reports. */
export function compileTemplate(text: string): Template {
  const engine = new Liquid({
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    lenientIf: true,
    // An empty set of partials in the place of the file system.
    templates: {},
    parseLimit: 100_000,
    renderLimit: 1_000,
    memoryLimit: 5_000_000,
  });
  const parsed = engine.parse(text);
  return (message) => String(engine.renderSync(parsed, templateView(message)));
}

export function templateView(message: Message): TemplateView {
  const { id, key, kind, subject, state, severity, environment, title, body, services } = message;
  const text = body
    .map(({ heading, lines }) => [...(heading === "" ? [] : [heading]), ...lines].join("\n"))
    .join("\n\n");
  const times = { since: new Date(message.sinceMs).toISOString(), at: new Date(message.atMs).toISOString() };
  const what = body[0]?.lines[0] ?? title;
  return {
    id,
    key,
    kind,
    subject,
    state,
    severity,
    environment,
    title,
    what,
    text,
    ...times,
    services,
    sections: body,
  };
}

/**
 * Tries a template on messages of every kind, one with quotes, line ends and ampersands in its texts among them: a body
 * that stops being JSON (or gains form fields) for those would fail on the night it is needed.
 */
export function checkTemplate(text: string, contentType: string): readonly TemplateProblem[] {
  let template: Template;
  try {
    template = compileTemplate(text);
  } catch (error) {
    return [problemOf(error)];
  }
  try {
    const bodies = samples.map((message) => template(message));
    const trouble = contentTrouble(bodies, contentType);
    return trouble === null ? [] : [{ line: 1, column: 1, message: trouble }];
  } catch (error) {
    return [problemOf(error)];
  }
}

function contentTrouble(bodies: readonly string[], contentType: string): string | null {
  const [plain = "", ...others] = bodies;
  if (/json/i.test(contentType)) {
    if (!isJson(plain)) return `it does not give valid JSON, which ${contentType} promises`;
    return others.every(isJson)
      ? null
      : "it does not give valid JSON for texts with quotes or line ends: write {{ title | json }}, without quotes around it";
  }
  if (/x-www-form-urlencoded/i.test(contentType)) {
    const fields = (body: string): string => [...new URLSearchParams(body.trim()).keys()].join();
    const same = others.every((body) => fields(body) === fields(plain) && !/\s/.test(body.trim()));
    return same ? null : "texts with & or spaces change its form fields: write {{ title | url_encode }}";
  }
  return null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Liquid's errors carry their place in the message's tail. */
function problemOf(error: unknown): TemplateProblem {
  const message = error instanceof Error ? error.message : String(error);
  const place = /, line:(\d+), col:(\d+)$/.exec(message);
  return {
    line: Number(place?.[1] ?? 1),
    column: Number(place?.[2] ?? 1),
    message: message.replace(/, line:\d+, col:\d+$/, ""),
  };
}

const plain: Message = {
  id: "live/surplus/web@1700000000000#1",
  key: "live/surplus/web",
  kind: "surplus",
  subject: "web",
  state: "firing",
  severity: "warning",
  environment: "live",
  title: "[heal live] WARNING web: 1 more than asked for (4 of 3)",
  body: [{ heading: "", lines: ["web runs 4 instances, since 03:12 UTC (4m)."] }],
  sinceMs: 1_700_000_000_000,
  atMs: 1_700_000_240_000,
  services: ["web"],
};

const hostile = 'a "quoted" \\ text & more=1, 100% <b>';
const samples: readonly Message[] = [
  plain,
  { ...plain, state: "resolved", severity: "critical", services: [] },
  {
    ...plain,
    title: hostile,
    subject: hostile,
    key: hostile,
    id: hostile,
    environment: hostile,
    services: [hostile, hostile],
    body: [{ heading: hostile, lines: [hostile, hostile] }],
  },
];

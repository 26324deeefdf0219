import type { CheckReport, StatusReport } from "../../model/report.ts";
import { REPORT_VERSION } from "../../model/report.ts";
import type { Standing } from "../../model/plan.ts";
import { statusWord } from "../../model/status.ts";
import { cleanText } from "../../model/clean-text.ts";

/** The part of a status report that `heal check` is about, worst last: Consul keeps the end of a check's output. */
export function checkReport({ version, environment, status, services }: StatusReport): CheckReport {
  const standings = services.map(({ standing }) => standing);
  return {
    version,
    environment,
    status,
    services: [...standings]
      .sort((a, b) => a.status - b.status || (a.service < b.service ? -1 : 1))
      .map(({ service, status, summary }) => ({ service, status, summary })),
  };
}

/** One line per service, fit for a terminal. */
export function checkText({ services, environment }: CheckReport): string {
  if (services.length === 0) return `no services are desired in the environment ${cleanText(environment, 100)}\n`;
  return services.map((service) => `${checkLine(service)}\n`).join("");
}

/** `web CRITICAL 1/3 healthy: 2 missing`. */
export function checkLine({ service, status, summary }: Pick<Standing, "service" | "status" | "summary">): string {
  return `${clean(service)} ${statusWord(status).toUpperCase()} ${clean(summary)}`;
}

/** Most lines are plain ASCII, and telling so is much cheaper at start than the tables of Unicode. */
function clean(text: string): string {
  return plain.test(text) ? text : cleanText(text, 1_000);
}

const plain = /^[!-_a-~]+(?: [!-_a-~]+)*$/;

/** What `heal check` says when it can neither ask nor look. */
export function cannotTell(environment: string, services: readonly string[], reason: string): CheckReport {
  const named = services.length === 0 ? ["heal"] : services;
  return {
    version: REPORT_VERSION,
    environment,
    status: 3,
    services: named.map((service) => ({ service, status: 3, summary: `cannot tell: ${reason}` })),
  };
}

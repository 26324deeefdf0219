import type { Message, MessageSection } from "../../ports/notifier.ts";
import { footerOf } from "./plain-text.ts";

/** The HTML part: one column, the system's own font, no picture and nothing from elsewhere; readable dark and bright. */
export function htmlOf(message: Message): string {
  const { severity, state, title, body } = message;
  const [word, color] = state === "resolved" ? (["Resolved", "#2e7d32"] as const) : looks[severity];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
</head>
<body style="margin:0;padding:16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
<div style="max-width:680px;border-left:6px solid ${color};padding-left:16px">
<div style="color:${color};font-weight:700;text-transform:uppercase;letter-spacing:.06em;font-size:13px">${word}</div>
${body.map(sectionHtml).join("\n")}
<p style="margin:24px 0 0;font-size:13px;opacity:.7">${escape(footerOf(message))}</p>
</div>
</body>
</html>
`;
}

const looks = { warning: ["Warning", "#b26a00"], critical: ["Critical", "#c62828"] } as const;

function sectionHtml({ heading, lines }: MessageSection): string {
  if (heading === "") {
    const [first = "", ...rest] = lines;
    return [
      `<p style="margin:4px 0 0;font-size:19px;font-weight:600">${inline(first)}</p>`,
      ...rest.map((line) => `<p style="margin:8px 0 0">${inline(line)}</p>`),
    ].join("\n");
  }
  const evidence = heading === "Evidence" ? ";font-size:14px;opacity:.85" : "";
  const title = `<h2 style="margin:24px 0 4px;font-size:14px;font-weight:700">${escape(heading)}</h2>`;
  const [only, ...more] = lines;
  if (only !== undefined && more.length === 0) return `${title}\n<p style="margin:0${evidence}">${inline(only)}</p>`;
  const items = lines.map((line) => `<li style="margin:2px 0">${inline(line)}</li>`);
  return `${title}\n<ul style="margin:0;padding-left:20px${evidence}">\n${items.join("\n")}\n</ul>`;
}

/** Commands stand in backticks. */
function inline(text: string): string {
  return escape(text).replace(
    /`([^`]+)`/g,
    '<code style="font:14px ui-monospace,Menlo,Consolas,monospace;background:rgba(128,128,128,.18);padding:1px 5px;border-radius:4px;overflow-wrap:anywhere">$1</code>',
  );
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

import type { RedisReport } from "../../model/redis-report.ts";
import { cleaned } from "./cleaned.ts";
import type { Paint } from "./paint.ts";
import { tableText } from "./table.ts";

/** What `heal redis status` prints: who is the master, how far behind the others are, what their tags say. */
export function redisText(given: RedisReport, paint: Paint, columns: number | null): string {
  const { service, standing, epoch, last, nodes } = cleaned(given);
  const colour = standing.kind === "well" ? paint.good : standing.writable ? paint.wary : paint.bad;
  const rows = nodes.map((node) => [
    node.name,
    node.address,
    node.role ?? "unknown",
    node.link ?? "",
    node.offset === null ? "" : String(node.offset),
    node.behindBytes === null ? "" : String(node.behindBytes),
    node.tags.join(","),
    node.trouble ?? "",
  ]);
  const head = ["NAME", "ADDRESS", "ROLE", "LINK", "OFFSET", "BEHIND", "TAGS", "TROUBLE"];
  const past =
    last === null
      ? "no change of master so far"
      : `last change ${last.at}: ${last.from ?? "nobody"} → ${last.to} (${last.cause}, ${last.tookMs} ms${gap(last.gapBytes)})`;
  const steps = last?.timeline == null ? "" : `  ${last.timeline}\n`;
  return `${service}: ${colour(standing.kind)}, ${standing.sentence}\n${tableText(head, rows, columns, paint)}epoch ${epoch}; ${past}\n${steps}`;
}

function gap(bytes: number | null): string {
  return bytes === null ? "" : `, ${bytes} bytes known to be missing`;
}

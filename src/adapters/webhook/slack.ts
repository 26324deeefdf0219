import type { Secret } from "../../model/secret.ts";
import type { Delivery, Message, Notifier } from "../../ports/notifier.ts";
import type { ChatStyle } from "./chat-text.ts";
import { chatText, chatTitle } from "./chat-text.ts";
import type { Answer, Way } from "./post.ts";
import { poster } from "./post.ts";
import { byStatus, jsonOf, later, refused, taken } from "./verdict.ts";

export interface SlackOptions extends Way {
  readonly name: string;
  /** Address of an incoming webhook, of Slack or of what imitates it (Mattermost, Rocket.Chat, Discord's `/slack`). */
  readonly url: Secret;
}

/** One message a second is what Slack allows for long. */
const LIMITS = { rate: { messages: 30, perMs: 60_000 }, joins: true, refreshEveryMs: null } as const;

export function slackNotifier({ name, url, ...way }: SlackOptions): Notifier {
  const { post, close } = poster(way);
  return {
    name,
    kind: "slack",
    limits: LIMITS,
    send: async (message, signal) => verdict(await post({ url, body: JSON.stringify(slackBody(message)) }, signal)),
    close,
  };
}

const style: ChatStyle = {
  heading: (text) => `*${text}*`,
  line: (text) => text,
  item: (text) => `• ${text}`,
  newLine: "\n",
};

function slackBody(message: Message): object {
  const [, ...rest] = chatText(message, style, 6_000).split("\n");
  const color = message.state === "resolved" ? "#2e7d32" : message.severity === "critical" ? "#c62828" : "#f9a825";
  return {
    // Neither names nor channels in a text become mentions.
    link_names: 0,
    parse: "none",
    text: `*${chatTitle(message, 300)}*`,
    attachments: [{ color, fallback: chatTitle(message, 300), text: rest.join("\n"), mrkdwn_in: ["text"] }],
  };
}

/** Slack answers `ok`, its imitators that or JSON; a login page with status 200 is neither. */
function verdict(answer: Answer): Delivery {
  const failed = byStatus(answer);
  if (failed !== null || answer.kind === "failed") return failed ?? later("no answer");
  const json = jsonOf(answer.body);
  if (json !== null && (json["ok"] === false || json["success"] === false))
    return refused(`it refuses: ${answer.quoted}`);
  if (json !== null || ["", "ok"].includes(answer.body.trim().toLowerCase())) return taken;
  return later("it answered something that is not a chat's answer");
}

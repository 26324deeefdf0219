import type { Secret } from "../../model/secret.ts";
import type { Message, Notifier } from "../../ports/notifier.ts";
import type { ChatStyle } from "./chat-text.ts";
import { chatText } from "./chat-text.ts";
import type { Way } from "./post.ts";
import { poster } from "./post.ts";
import type { RobotAnswers } from "./verdict.ts";
import { byRobot } from "./verdict.ts";

export interface WeComOptions extends Way {
  readonly name: string;
  /** Address of a group robot, with its `key`. */
  readonly url: Secret;
}

/** 20 messages a minute are allowed; half of them for the same reason as DingTalk's. */
const LIMITS = { rate: { messages: 10, perMs: 60_000 }, joins: true, refreshEveryMs: null } as const;
/** Of a markdown message; beyond 4096 it is refused. */
const TEXT_BYTES_MAX = 4_000;

const answers: RobotAnswers = {
  codeFields: ["errcode"],
  textFields: ["errmsg"],
  // -1: busy; 45009, 45033: too many messages.
  passing: { [-1]: null, 45009: 60_000, 45033: 60_000 },
};

export function wecomNotifier({ name, url, ...way }: WeComOptions): Notifier {
  const { post, close } = poster(way);
  return {
    name,
    kind: "wecom",
    limits: LIMITS,
    send: async (message, signal) =>
      byRobot(await post({ url, body: JSON.stringify(bodyOf(message)) }, signal), answers),
    close,
  };
}

const style: ChatStyle = {
  heading: (text) => `**${text}**`,
  line: (text) => text,
  item: (text) => `> ${text}`,
  newLine: "\n",
};

function bodyOf(message: Message): object {
  return { msgtype: "markdown", markdown: { content: chatText(message, style, TEXT_BYTES_MAX) } };
}

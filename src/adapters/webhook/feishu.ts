import { createHmac } from "node:crypto";
import type { Secret } from "../../model/secret.ts";
import type { Message, Notifier } from "../../ports/notifier.ts";
import type { ChatStyle } from "./chat-text.ts";
import { chatText, chatTitle } from "./chat-text.ts";
import type { Way } from "./post.ts";
import { poster } from "./post.ts";
import type { RobotAnswers } from "./verdict.ts";
import { byRobot } from "./verdict.ts";

export interface FeishuOptions extends Way {
  readonly name: string;
  /** Address of a custom robot (Feishu or Lark), with its token. */
  readonly url: Secret;
  /** Key of its signature; null for a robot that is guarded by keyword or address instead. */
  readonly secret: Secret | null;
}

/** 100 messages a minute and five a second are allowed. */
const LIMITS = { rate: { messages: 5, perMs: 5_000 }, joins: true, refreshEveryMs: null } as const;
const TEXT_BYTES_MAX = 12_000;

const answers: RobotAnswers = {
  // Older robots answer StatusCode.
  codeFields: ["code", "StatusCode"],
  textFields: ["msg", "StatusMessage"],
  // 9499 and 11232: too many messages.
  passing: { 9499: 30_000, 11232: 30_000 },
};

export function feishuNotifier({ name, url, secret, ...way }: FeishuOptions): Notifier {
  const { post, close } = poster(way);
  return {
    name,
    kind: "feishu",
    limits: LIMITS,
    async send(message, signal) {
      const body =
        secret === null
          ? bodyOf(message)
          : { ...signature(secret.reveal(), Math.floor(Date.now() / 1_000)), ...bodyOf(message) };
      const secrets = secret === null ? [] : [secret];
      return byRobot(await post({ url, secrets, body: JSON.stringify(body) }, signal), answers);
    },
    close,
  };
}

/** HMAC-SHA256 over nothing, keyed with `timestamp\nsecret`; the timestamp is in seconds and, like it, text in the body. */
function signature(secret: string, timestampSeconds: number): { readonly timestamp: string; readonly sign: string } {
  const sign = createHmac("sha256", `${timestampSeconds}\n${secret}`).update("").digest("base64");
  return { timestamp: String(timestampSeconds), sign };
}

const style: ChatStyle = {
  heading: (text) => text,
  line: (text) => text,
  item: (text) => `- ${text}`,
  newLine: "\n",
};

/** Rich text made of plain pieces: what stands in a `text` piece is shown as it is and never read as markup. */
function bodyOf(message: Message): object {
  const [, ...lines] = chatText(message, style, TEXT_BYTES_MAX).split("\n");
  const content = lines.map((text) => [{ tag: "text", text }]);
  return { msg_type: "post", content: { post: { en_us: { title: chatTitle(message, 300), content } } } };
}

import { createHmac } from "node:crypto";
import type { Secret } from "../../model/secret.ts";
import type { Message, Notifier } from "../../ports/notifier.ts";
import type { ChatStyle } from "./chat-text.ts";
import { chatText, chatTitle } from "./chat-text.ts";
import type { Way } from "./post.ts";
import { poster } from "./post.ts";
import type { RobotAnswers } from "./verdict.ts";
import { byRobot } from "./verdict.ts";

export interface DingTalkOptions extends Way {
  readonly name: string;
  /** Address of a custom robot, with its `access_token`. */
  readonly url: Secret;
  /** Key of its signature (`SEC…`); null for a robot that is guarded by keyword or address instead. */
  readonly secret: Secret | null;
}

/**
 * A robot takes 20 messages a minute and is deaf for ten minutes after more. Half of that, so that a restart, which
 * forgets what was sent within the last minute, stays below it too.
 */
const LIMITS = { rate: { messages: 10, perMs: 60_000 }, joins: true, refreshEveryMs: null } as const;
const TEXT_BYTES_MAX = 12_000;

const answers: RobotAnswers = {
  codeFields: ["errcode"],
  textFields: ["errmsg"],
  // -1: busy; 130101 and 130102, 660026, 90030: too many messages.
  passing: { [-1]: null, 130101: 60_000, 130102: 60_000, 660026: 60_000, 90030: 60_000 },
};

export function dingtalkNotifier({ name, url, secret, ...way }: DingTalkOptions): Notifier {
  const { post, close } = poster(way);
  const sign = (address: URL): void => {
    if (secret !== null) signAddress(address, secret.reveal(), Date.now());
  };
  return {
    name,
    kind: "dingtalk",
    limits: LIMITS,
    async send(message, signal) {
      const secrets = secret === null ? [] : [secret];
      return byRobot(await post({ url, sign, secrets, body: JSON.stringify(bodyOf(message)) }, signal), answers);
    },
    close,
  };
}

/** HMAC-SHA256 of `timestamp\nsecret`, keyed with the secret, in the address beside the timestamp (milliseconds). */
function signAddress(address: URL, secret: string, timestampMs: number): void {
  const signature = createHmac("sha256", secret).update(`${timestampMs}\n${secret}`).digest("base64");
  address.searchParams.set("timestamp", String(timestampMs));
  address.searchParams.set("sign", signature);
}

const style: ChatStyle = {
  heading: (text) => `**${text}**`,
  line: (text) => text,
  item: (text) => `- ${text}`,
  newLine: "\n\n",
};

function bodyOf(message: Message): object {
  return {
    msgtype: "markdown",
    markdown: { title: chatTitle(message, 200), text: chatText(message, style, TEXT_BYTES_MAX) },
    // Nobody is ever mentioned, whatever the text says.
    at: { isAtAll: false, atMobiles: [], atUserIds: [] },
  };
}

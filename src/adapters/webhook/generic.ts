import type { Secret } from "../../model/secret.ts";
import type { Delivery, Message, Notifier } from "../../ports/notifier.ts";
import type { Answer, Way } from "./post.ts";
import { poster } from "./post.ts";
import type { Template } from "./template.ts";
import { compileTemplate, templateView } from "./template.ts";
import { byStatus, jsonOf, refused, taken } from "./verdict.ts";

export interface WebhookOptions extends Way {
  readonly name: string;
  readonly url: Secret;
  readonly method: "POST" | "PUT";
  readonly headers: Readonly<Record<string, Secret>>;
  /** Liquid template of the body; null: `heal`'s own JSON, which is what a template sees. */
  readonly template: { readonly text: string } | null;
  readonly contentType: string;
  /**
   * For receivers that answer 200 whatever happened: the top-level field of their JSON answer that tells, and what it
   * says when all is well. Absent: the status decides.
   */
  readonly accept?: { readonly field: string; readonly equals: string | number | boolean } | null;
}

/** Whatever is behind it (an SMS gateway above all) is spared more than this. */
const LIMITS = { rate: { messages: 10, perMs: 60_000 }, joins: true, refreshEveryMs: null } as const;

export function webhookNotifier(options: WebhookOptions): Notifier {
  const { name, url, method, headers, contentType, accept = null } = options;
  const { post, close } = poster(options);
  const template = options.template === null ? ownJson : compiled(options.template.text);
  return {
    name,
    kind: "webhook",
    limits: LIMITS,
    async send(message, signal) {
      const rendered = render(template, message);
      if (rendered.kind === "failed") return rendered;
      return verdict(await post({ url, method, headers, contentType, body: rendered.body }, signal), accept);
    },
    close,
  };
}

function ownJson(message: Message): string {
  return JSON.stringify({ version: 1, ...templateView(message) });
}

/** A template that does not compile was reported when the settings were read; here it only fails each delivery. */
function compiled(text: string): Template {
  try {
    return compileTemplate(text);
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function render(
  template: Template,
  message: Message,
): { readonly kind: "rendered"; readonly body: string } | (Delivery & { kind: "failed" }) {
  try {
    return { kind: "rendered", body: template(message) };
  } catch (error) {
    const reason = `its template fails: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: "failed", reason, retryAfterMs: null, permanent: true };
  }
}

function verdict(answer: Answer, accept: WebhookOptions["accept"]): Delivery {
  const failed = byStatus(answer);
  if (failed !== null || answer.kind === "failed") return failed ?? taken;
  if (accept === null || accept === undefined) return taken;
  const value = jsonOf(answer.body)?.[accept.field];
  return String(value) === String(accept.equals) ? taken : refused(`it did not accept the message: ${answer.quoted}`);
}

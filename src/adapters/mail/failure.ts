import { cleanText } from "../../model/clean-text.ts";
import type { Delivery } from "../../ports/notifier.ts";

/**
 * What an error of nodemailer means for the delivery: by its code, and by the server's answer without secrets. A 5xx
 * answer will be the same the next time, everything else may pass.
 */
export function whyNotSent(error: unknown, secrets: readonly string[]): Delivery & { readonly kind: "failed" } {
  const { code, response, responseCode } = fieldsOf(error);
  const server = secrets.reduce((text, secret) => text.replaceAll(secret, "[secret]"), response);
  const what = meanings[code] ?? `not sent (${code})`;
  const reason = cleanText(server === "" ? what : `${what}: ${server}`, 200);
  return { kind: "failed", reason, retryAfterMs: null, permanent: responseCode >= 500 && responseCode < 600 };
}

const meanings: Readonly<Record<string, string>> = {
  EABORT: "the mail server did not finish in time",
  EAUTH: "the mail server does not accept user name and password",
  ENOAUTH: "the mail server wants a user name and password",
  ECONNECTION: "no connection to the mail server",
  ECONNREFUSED: "the mail server refuses connections",
  ECONNRESET: "the mail server broke the connection",
  EDNS: "the mail server's name is not known",
  EENVELOPE: "the mail server refuses sender or recipients",
  EMESSAGE: "the mail server refuses the message",
  EPROTOCOL: "what answers is not a mail server",
  ESOCKET: "the connection to the mail server broke",
  ETIMEDOUT: "the mail server did not answer in time",
  ETLS: "no trustworthy encryption with the mail server",
};

function fieldsOf(error: unknown): { readonly code: string; readonly response: string; readonly responseCode: number } {
  if (!(error instanceof Error)) return { code: typeof error, response: "", responseCode: 0 };
  const { code, response, responseCode } = error as { code?: unknown; response?: unknown; responseCode?: unknown };
  const cause = innerCode(error);
  return {
    // Of a broken socket the system's word says more: refused, reset, a certificate that is not trusted.
    code: typeof code === "string" ? (code === "ESOCKET" && cause !== null ? cause : code) : error.name,
    response: typeof response === "string" ? response.slice(0, 2_000) : "",
    responseCode: typeof responseCode === "number" ? responseCode : 0,
  };
}

function innerCode(error: Error): string | null {
  const word = /\b(ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b/.exec(error.message)?.[1];
  if (word !== undefined) return word;
  return /certificate|self[- ]signed|unable to verify|altname/i.test(error.message) ? "ETLS" : null;
}

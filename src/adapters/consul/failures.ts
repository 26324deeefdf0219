import { RegistryError } from "../../ports/registry.ts";
import type { ConsulReply } from "./connection.ts";
import { plainText } from "./decode.ts";

/** Errors of the operating system that mean the request never left. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EACCES",
  "ENOENT",
]);

/** No reply came whole. Says whether the request may have had an effect. */
export function asRegistryError(error: unknown, url: string, cancelled: boolean): RegistryError {
  if (cancelled) return new RegistryError("unclear", `request to ${url} was cancelled`, { cause: error });
  if (error instanceof RegistryError)
    return new RegistryError(error.kind, `${url}: ${error.message}`, { cause: error });
  const { code, message } = error as { code?: string; message?: string };
  const kind = code !== undefined && neverSent.has(code) ? "unreachable" : "unclear";
  // The client puts its own names before what went wrong.
  const said = (message ?? String(error)).replace(/^consul: (?:[\w.]+: )?/, "");
  return new RegistryError(kind, `${url}: ${plainText(said, 200)}`, { cause: error });
}

/** What a reply with an unexpected status means. Consul's texts are those of 1.8 to 1.21. */
export function refusal(reply: ConsulReply, what: string): RegistryError {
  const said = plainText(reply.text, 200);
  const message = `${what}: Consul answered ${reply.status}${said === "" ? "" : `: ${said}`}`;
  if (reply.status === 403 || reply.status === 401 || /permission denied|acl not found/i.test(said))
    return new RegistryError("denied", message);
  if (/no cluster leader|not ready to serve consistent reads|no known consul servers/i.test(said))
    return new RegistryError("no-leader", message);
  if (/invalid session|does not have associated TTL|unknown check/i.test(said))
    return new RegistryError("refused", message);
  if (reply.status >= 400 && reply.status < 500 && reply.status !== 429) return new RegistryError("refused", message);
  return new RegistryError("unclear", message);
}

export function mustBeOk(reply: ConsulReply, what: string): ConsulReply {
  if (reply.status !== 200) throw refusal(reply, what);
  return reply;
}

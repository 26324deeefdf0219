import { RedisError } from "../../ports/redis.ts";

/** Only a host can refuse. That none is found, by its name or on the way to it, is no word of anybody: it is silence. */
const REFUSED = "ECONNREFUSED";

/** What went wrong with a command, in the words of the port. */
export function asRedisError(error: unknown, where: string): RedisError {
  if (error instanceof RedisError) return error;
  const { message = String(error), code, name } = error as { message?: string; code?: string; name?: string };
  const text = `${where}: ${firstLine(message)}`;
  const options = { cause: error };
  if (code === REFUSED) return new RedisError("refused", text, options);
  if (name === "ReplyError" || /^[A-Z]+ /.test(message)) return new RedisError(kindOfReply(message), text, options);
  return new RedisError("silent", text, options);
}

function kindOfReply(message: string): RedisError["kind"] {
  if (/^(?:NOAUTH|WRONGPASS|NOPERM)\b|invalid password|invalid username-password/i.test(message)) return "denied";
  if (/^LOADING\b/.test(message)) return "loading";
  return "failing";
}

function firstLine(message: string): string {
  return message.replace(/[\p{C}\s]+/gu, " ").slice(0, 200);
}

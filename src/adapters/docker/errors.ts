import { cleanText } from "../../model/clean-text.ts";
import { EngineError } from "../../ports/engine.ts";
import { HttpRefusal } from "./transport.ts";
import { UnreadableAnswer } from "../answer.ts";

const sentenceBytesMax = 500;

/**
 * Puts any failure of a call into the port's words. `sent` says whether something may have reached the engine; what
 * cannot be told apart from a half-done action is `unclear`.
 */
export function toEngineError(error: unknown, host: string, what: string, sent: boolean): EngineError {
  if (error instanceof EngineError) return error;
  const message = (sentence: string) => `${host}: could not ${what}: ${cleanText(sentence, sentenceBytesMax)}`;
  if (error instanceof HttpRefusal) {
    return new EngineError(kindOfRefusal(error), message(error.message), { cause: error });
  }
  if (error instanceof UnreadableAnswer || error instanceof SyntaxError) {
    return new EngineError("unclear", message(`the engine's answer cannot be read: ${error.message}`), {
      cause: error,
    });
  }
  const reason = error instanceof Error ? reasonOf(error) : String(error);
  return new EngineError(sent ? "unclear" : "unreachable", message(reason), { cause: error });
}

function kindOfRefusal({ statusCode, message }: HttpRefusal): EngineError["kind"] {
  // A gateway's own words about an engine behind it, which may have done it.
  if (statusCode === 502 || statusCode === 504) return "unclear";
  if (message.includes("update out of sequence")) return "conflict";
  if (statusCode === 409 && /\bname\b.*(already in use|conflicts with an existing)/.test(message)) return "name-taken";
  return "refused";
}

/** Several addresses tried (`localhost` by IPv4 and IPv6) fail as one error without a message of its own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0] as Error);
  return error.message;
}

/** Whether a call failed because the engine answered with that status and such a sentence. */
export function refusedBecause(error: unknown, statusCode: number, sentence: RegExp): boolean {
  const refusal = error instanceof EngineError ? error.cause : null;
  return refusal instanceof HttpRefusal && refusal.statusCode === statusCode && sentence.test(refusal.message);
}

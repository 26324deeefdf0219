import type { AddressInfo } from "node:net";
import PostalMime from "postal-mime";
import type { Email } from "postal-mime";
import { SMTPServer } from "smtp-server";

/** An SMTP server of the demo's own that keeps what it gets. */
export interface MailSink {
  readonly port: number;
  /** Resolves with the first mail, past or future, that `matches`; rejects after `withinMs`. */
  mail(matches: (mail: Email) => boolean, withinMs: number): Promise<Email>;
  close(): Promise<void>;
}

export async function openMailSink(): Promise<MailSink> {
  const mails: Email[] = [];
  const waiting = new Set<() => void>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, _session, done) {
      const keep = async (): Promise<void> => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk as Buffer);
        mails.push(await PostalMime.parse(Buffer.concat(chunks)));
        for (const look of waiting) look();
      };
      keep().then(() => done(), done);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mail: (matches, withinMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no such mail within ${withinMs / 1000} s`));
        }, withinMs);
        const look = (): void => {
          const found = mails.find(matches);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

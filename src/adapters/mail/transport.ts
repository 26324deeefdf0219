import { isIP } from "node:net";
import type { Secret } from "../../model/secret.ts";

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /**
   * `implicit`: TLS from the first byte. `required`: STARTTLS or nothing. `opportunistic`: STARTTLS where it is offered,
   * whatever the certificate. `none`: never.
   */
  readonly encryption: "implicit" | "required" | "opportunistic" | "none";
  readonly user: string | null;
  readonly password: Secret | null;
  /** Certificates as PEM text; null: the system's authorities. */
  readonly tls: MailTls | null;
}

export interface MailTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: Secret | null;
  /** Name to expect in the server's certificate; null: the host. */
  readonly serverName: string | null;
  readonly verify: boolean;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;

/** Nodemailer's options. A password is never sent in the clear to another machine, whatever `encryption` says. */
export function transportOptions({ host, port, encryption, user, password, tls }: MailServer) {
  const guarded = encryption === "opportunistic" && user !== null && !isLoopback(host) ? "required" : encryption;
  const unverified = guarded === "opportunistic" && tls === null;
  return {
    host,
    port,
    secure: guarded === "implicit",
    requireTLS: guarded === "required",
    ignoreTLS: guarded === "none",
    ...(user === null ? {} : { auth: { user, pass: password?.reveal() ?? "" } }),
    tls: {
      rejectUnauthorized: !unverified && tls?.verify !== false,
      ...(tls?.ca ? { ca: tls.ca } : {}),
      ...(tls?.cert ? { cert: tls.cert } : {}),
      ...(tls?.key ? { key: tls.key.reveal() } : {}),
      ...(tls?.serverName ? { servername: tls.serverName } : {}),
    },
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    socketCloseTimeout: 0,
    maxResponseSize: 65_536,
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Where an engine is, in the words of `DOCKER_HOST`; `tlsDirectory` holds `ca.pem`, `cert.pem` and `key.pem`. */
export interface EngineEndpoint {
  readonly address: string;
  readonly tlsDirectory: string | null;
}

export type ParsedEndpoint =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number; readonly tls: TlsSource | null }
  | {
      readonly kind: "ssh";
      readonly user: string | null;
      readonly hostname: string;
      readonly port: number | null;
      readonly remoteSocket: string;
    };

/** `directory` null: the system's certificate authorities and no client certificate (`https://`). */
export interface TlsSource {
  readonly directory: string | null;
}

const defaultSocket = "/var/run/docker.sock";

/**
 * Reads `unix://`, `tcp://`, `http://`, `https://` and `ssh://` addresses as the docker CLI does: port 2376 with TLS and
 * 2375 without, `/var/run/docker.sock` at the far end of ssh. Throws an Error that says what was expected.
 */
export function parseEndpoint({ address, tlsDirectory }: EngineEndpoint): ParsedEndpoint {
  if (address.startsWith("unix://")) return { kind: "unix", path: address.slice("unix://".length) || defaultSocket };
  const url = URL.canParse(address) ? new URL(address) : null;
  // A leading dash would be read as an option by ssh.
  if (url === null || url.hostname === "" || url.hostname.startsWith("-") || url.username.startsWith("-")) {
    throw new Error(`engine address "${address}" is not of the form unix://, tcp://, https:// or ssh://`);
  }
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? null : Number(url.port);
  switch (url.protocol) {
    case "tcp:":
    case "http:":
    case "https:": {
      const secure = tlsDirectory !== null || url.protocol === "https:";
      const tls = secure ? { directory: tlsDirectory } : null;
      return { kind: "tcp", hostname, port: port ?? defaultPort(url.protocol, secure), tls };
    }
    case "ssh:": {
      const remoteSocket = url.pathname === "" || url.pathname === "/" ? defaultSocket : url.pathname;
      return { kind: "ssh", user: decodeURIComponent(url.username) || null, hostname, port, remoteSocket };
    }
    default:
      throw new Error(`engine address "${address}" begins with ${url.protocol}// instead of unix, tcp, https or ssh`);
  }
}

function defaultPort(protocol: string, secure: boolean): number {
  if (protocol === "http:") return 80;
  if (protocol === "https:") return 443;
  return secure ? 2376 : 2375;
}

/** An address in its one spelling, or what was expected in its place. The text itself may hold a password: never show it. */
export type Address =
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "unusable"; readonly expected: string };

/**
 * Consul's address as its own tools take it: `host:8500`, `http://…`, `https://…`, `unix:///…`. `secure` is what
 * `CONSUL_HTTP_SSL` asks for; a `http://` in front does not take it back.
 */
export function consulAddress(text: string, secure = false): Address {
  const expected = "http://HOST:PORT, https://HOST:PORT or unix:///PATH, without user, path or query";
  if (text.startsWith("unix://")) return text.startsWith("unix:///") ? found(text) : { kind: "unusable", expected };
  const [, scheme = "http", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(text) ?? [];
  const address = `${secure ? "https" : scheme}://${rest}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol) || !isBare(url))
    return { kind: "unusable", expected };
  return found(url.origin);
}

/** An engine in the words of `DOCKER_HOST`, as the docker CLI takes them. */
export function dockerAddress(text: string): Address {
  const expected = "unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://USER@HOST";
  const unusable: Address = { kind: "unusable", expected };
  const address = text.includes("://") ? text : `tcp://${text}`;
  if (address.startsWith("unix://")) return address.startsWith("unix:///") ? found(address) : unusable;
  const url = URL.canParse(address) ? new URL(address) : null;
  // A leading dash would be read as an option by ssh.
  if (url === null || url.hostname === "" || url.hostname.startsWith("-")) return unusable;
  if (url.protocol === "ssh:") {
    return url.password === "" && !url.username.startsWith("-") && url.search === "" && url.hash === ""
      ? found(address)
      : unusable;
  }
  return ["tcp:", "http:", "https:"].includes(url.protocol) && isBare(url) ? found(address) : unusable;
}

/** An address of a web server; user and password in it are a secret. */
export function webAddress(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && ["http:", "https:"].includes(url.protocol) ? url : null;
}

export function hasPassword(text: string): boolean {
  return URL.canParse(text) && new URL(text).password !== "";
}

function isBare(url: URL): boolean {
  return (
    url.hostname !== "" &&
    [url.username, url.password, url.search, url.hash].every((part) => part === "") &&
    url.pathname.length <= 1
  );
}

function found(address: string): Address {
  return { kind: "address", address };
}

import http from "node:http";

/** Asks one server over one kept connection, with nothing loaded but Node's own HTTP client; resolves to the answer's text. */
export type Ask = (method: string, path: string, body?: string) => Promise<string>;

/** `address` as DOCKER_HOST and CONSUL_HTTP_ADDR spell it. */
export function openAsker(address: string): Ask {
  const { protocol, hostname, port, pathname } = new URL(address);
  const place = protocol === "unix:" ? { socketPath: pathname } : { hostname, port };
  const agent = new http.Agent({ keepAlive: true });
  return (method, path, body = "") =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const request = http.request({ ...place, agent, method, path, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("end", () => resolve(text));
      });
      request.on("error", reject).end(body);
    });
}

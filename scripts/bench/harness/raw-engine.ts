import http from "node:http";

/** The Engine API with nothing between it and the measurement but Node's own HTTP client, its connections kept open. */
export interface RawEngine {
  ask<Answer>(method: "GET" | "POST" | "DELETE", path: string, json?: object): Promise<Answer>;
  /** Resolves with the next event of that kind about a container that fits. */
  event(action: string, fits: (event: EngineEvent) => boolean): Promise<EngineEvent>;
  close(): void;
}

export interface EngineEvent {
  readonly Action: string;
  readonly id: string;
  /** The container's labels, and its name. */
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

export async function openRawEngine(docker: string): Promise<RawEngine> {
  const { pathname } = new URL(docker);
  const agent = new http.Agent({ keepAlive: true });
  const waiting = new Set<(event: EngineEvent) => void>();
  const events = http.get({
    socketPath: pathname,
    path: `/events?filters=${encodeURIComponent('{"type":["container","service"]}')}`,
  });
  await new Promise<void>((resolve, reject) => {
    events.once("error", reject).once("response", (response) => {
      let rest = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") for (const told of waiting) told(JSON.parse(line) as EngineEvent);
      });
      resolve();
    });
  });
  events.on("error", () => undefined);
  return {
    ask<Answer>(method: string, path: string, json?: object): Promise<Answer> {
      const body = json === undefined ? undefined : JSON.stringify(json);
      const headers =
        body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      return new Promise((resolve, reject) => {
        const request = http.request({ socketPath: pathname, agent, method, path, headers }, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
          response.on("end", () => {
            if ((response.statusCode ?? 500) >= 400)
              reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
            else resolve((text === "" || !/^[[{]/.test(text) ? undefined : JSON.parse(text)) as Answer);
          });
        });
        request.on("error", reject).end(body);
      });
    },
    event: (action, fits) =>
      new Promise((resolve) => {
        const told = (event: EngineEvent): void => {
          if (event.Action !== action || !fits(event)) return;
          waiting.delete(told);
          resolve(event);
        };
        waiting.add(told);
      }),
    close() {
      events.destroy();
      agent.destroy();
    },
  };
}

export interface TagsSeen {
  readonly reads: number;
  /** For how long at a stretch more than one master was tagged, at the most; 0: never. */
  readonly twoMs: number;
  readonly examples: readonly string[];
}

interface Entry {
  readonly Service: { readonly ID: string; readonly Tags: readonly string[] | null };
}

const WAIT = "2s";
const RETRY_MS = 50;

/**
 * Reads a service consistently, again at every change of its index, for as long as it runs: never may two carry the
 * master's tag. A Consul that does not answer is asked again.
 */
export function watchTags(consulUrl: string, service: string, masterTag: string): { stop(): Promise<TagsSeen> } {
  const ended = new AbortController();
  const examples: string[] = [];
  let reads = 0;
  let twoSinceMs: number | null = null;
  let twoMs = 0;

  const look = (entries: readonly Entry[]): void => {
    const tagged = entries.filter(({ Service }) => Service.Tags?.includes(masterTag) === true);
    const nowMs = performance.now();
    reads += 1;
    // What lasts from one read to the next has lasted for a moment at least.
    if (twoSinceMs !== null) twoMs = Math.max(twoMs, nowMs - twoSinceMs);
    if (tagged.length < 2) return void (twoSinceMs = null);
    twoMs = Math.max(twoMs, 1);
    twoSinceMs ??= nowMs;
    examples.push(tagged.map(({ Service }) => Service.ID).join(" and "));
  };
  const follow = async (): Promise<void> => {
    let index = "0";
    while (!ended.signal.aborted) {
      const url = `${consulUrl}/v1/health/service/${service}?consistent&wait=${WAIT}&index=${index}`;
      try {
        const answer = await fetch(url, { signal: ended.signal });
        if (!answer.ok) throw new Error(String(answer.status));
        look((await answer.json()) as readonly Entry[]);
        index = answer.headers.get("x-consul-index") ?? "0";
      } catch {
        index = "0";
        if (!ended.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  const done = follow();
  return {
    async stop() {
      ended.abort();
      await done;
      return { reads, twoMs, examples: examples.slice(0, 5) };
    },
  };
}

/** What Consul itself says about an environment of heal: who leads, what is remembered, which sessions there are. */
export interface Leader {
  readonly processId: number;
  readonly session: string;
  readonly lockIndex: number;
}

interface Entry {
  readonly Key: string;
  readonly Value: string | null;
  readonly Session?: string;
  readonly LockIndex: number;
}

/** Who holds the lock, or null. */
export async function leaderOf(consul: string, environment: string): Promise<Leader | null> {
  const [entry] = await keys(consul, `heal/${environment}/leader`);
  if (entry?.Session === undefined || entry.Value === null) return null;
  const { processId } = JSON.parse(decode(entry.Value)) as { readonly processId: number };
  return { processId, session: entry.Session, lockIndex: entry.LockIndex };
}

/** Everything below `heal/<environment>/`, by key. */
export async function memoryOf(consul: string, environment: string): Promise<Readonly<Record<string, unknown>>> {
  const entries = await keys(consul, `heal/${environment}/?recurse`);
  return Object.fromEntries(
    entries.map(({ Key, Value }) => [Key.slice(`heal/${environment}/`.length), JSON.parse(decode(Value ?? ""))]),
  );
}

/** What a service's Memory holds as on its way. */
export async function inFlightOf(consul: string, environment: string, service: string): Promise<readonly unknown[]> {
  const memory = (await memoryOf(consul, environment))[`memory/services/${service}`] as
    | { readonly value: { readonly inFlight?: readonly unknown[] } }
    | undefined;
  return memory?.value.inFlight ?? [];
}

export async function destroySession(consul: string, session: string): Promise<void> {
  const answer = await fetch(`${consul}/v1/session/destroy/${session}`, { method: "PUT" });
  if (!answer.ok) throw new Error(`the session was not destroyed: ${answer.status}`);
}

async function keys(consul: string, path: string): Promise<readonly Entry[]> {
  const answer = await fetch(`${consul}/v1/kv/${path}${path.includes("?") ? "&" : "?"}consistent`);
  if (answer.status === 404) return [];
  if (!answer.ok) throw new Error(`Consul answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Entry[];
}

function decode(value: string): string {
  return Buffer.from(value, "base64").toString("utf8");
}

/** Groups under the care of the built `heal`, a daemon of its own process, as a user runs it. */
import { openSite } from "../../../test/e2e/support/site.ts";
import type { BenchHost, Carer, GroupMaster } from "./carer.ts";
import { settings, settle } from "./carer.ts";

/** A connection may have failed for a moment only. */
const NEWS_WITHIN_MS = 100;

export interface HealCarerOptions {
  readonly consul: string;
  readonly hosts: readonly BenchHost[];
  readonly groups: readonly string[];
}

export async function openHealCarer({ consul, hosts, groups }: HealCarerOptions): Promise<Carer> {
  const [first] = hosts;
  if (first === undefined) throw new Error("a group needs a host");
  const site = openSite({
    docker: first.docker,
    consul,
    environmentSettings: {
      hosts: Object.fromEntries(
        hosts.map(({ name, docker, address, consul: consulAgent }) => [name, { docker, consulAgent, address }]),
      ),
    },
  });
  const serviceOf = (group: string): string => `${group}-${site.environment}`;
  // Two nodes on one host would go with it, and a lone master takes no writes.
  const service = hosts.length > 1 ? { ...definition, placement: { maxPerHost: 1 } } : definition;
  site.desire(Object.fromEntries(groups.map((group) => [serviceOf(group), service])));
  await site.daemon();
  const entries = async (group: string): Promise<readonly Entry[]> =>
    (await read(`${serviceOf(group)}?consistent`)).found;
  const read = async (query: string): Promise<{ readonly found: readonly Entry[]; readonly index: string }> => {
    const answer = await fetch(`${consul}/v1/health/service/${query}`);
    return { found: (await answer.json()) as readonly Entry[], index: answer.headers.get("x-consul-index") ?? "0" };
  };
  const indexes = new Map<string, string>();
  /** Waits for news since it was asked last: asking all the time took half of a core, from what is being measured too. */
  const news = async (group: string): Promise<readonly Entry[]> => {
    const since = `&index=${indexes.get(group) ?? "0"}&wait=${NEWS_WITHIN_MS}ms`;
    const { found, index } = await read(`${serviceOf(group)}?consistent${since}`);
    indexes.set(group, index);
    return found;
  };
  const masterAmong = (found: readonly Entry[]): GroupMaster | null => {
    const masters = found.filter(({ Service }) => Service.Tags.includes("master"));
    const [master] = masters;
    if (master === undefined || masters.length > 1) return null;
    const { Address: host, Port: port, Meta } = master.Service;
    const on = hosts.find(({ address }) => address === host) ?? first;
    return { host, port, container: Meta["heal-container"] ?? "", on };
  };
  const isWhole = (found: readonly Entry[]): boolean =>
    masterAmong(found) !== null &&
    found.length === settings.count &&
    found.every(({ Checks }) => Checks.every(({ Status }) => Status === "passing")) &&
    found.filter(({ Service }) => Service.Tags.includes("slave")).length === settings.count - 1;
  return {
    name: "heal",
    locate: async (group) => masterAmong(await news(group)),
    async ready(group) {
      let found: readonly Entry[] = [];
      await settle(`${group} under heal is whole`, async () => isWhole((found = await entries(group))));
      const master = masterAmong(found);
      if (master === null) throw new Error(`${group} has no master`);
      return master;
    },
    async switchover(group) {
      const { code, stderr } = await site.heal("redis", "switchover", serviceOf(group));
      if (code !== 0) throw new Error(`the switchover failed: ${stderr}`);
    },
    mend: async () => undefined,
    end: () => site.close(),
  };
}

const definition = {
  count: settings.count,
  container: { image: settings.image, command: settings.command, ports: [{ container: 6379 }], stopGrace: "1s" },
  health: { tcp: true, port: 6379, interval: "1s" },
  // A host that is switched off is back in a moment: nothing is started elsewhere meanwhile.
  healing: { lostAfter: "10m" },
  redis: { downAfter: `${settings.downAfterMs}ms`, minReplicasToWrite: 1 },
};

interface Entry {
  readonly Service: {
    readonly Address: string;
    readonly Port: number;
    readonly Tags: readonly string[];
    readonly Meta: Readonly<Record<string, string>>;
  };
  readonly Checks: readonly { readonly Status: string }[];
}

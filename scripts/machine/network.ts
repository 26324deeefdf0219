/** The machine's network as far as an engine or a fleet changes it: bridges, and the firewall put back as found. */
import { readFileSync, writeFileSync } from "node:fs";
import { findProgram, mustRun, run } from "./processes.ts";

const forwardingSwitch = "/proc/sys/net/ipv4/ip_forward";
const firewalls = ["iptables", "ip6tables"] as const;

/** What an engine is about to change. Plain data, kept in the state folder until the engine has ended. */
export interface NetworkBefore {
  readonly forwarding: string;
  /** Firewalls without a trace of Docker, with their FORWARD policy; others belong to another engine and are left. */
  readonly untouched: { readonly [firewall: string]: string };
}

/**
 * The first three numbers of a /24 nobody uses on this machine, and its third number, which makes unique names.
 * Addresses are from 100.64.0.0/10, the range for carriers' own use, so that no ordinary network is shadowed.
 */
export async function freeSubnet(second: 98 | 99): Promise<{ readonly prefix: string; readonly third: number }> {
  const taken = await mustRun("ip", ["-o", "-4", "addr", "show"]);
  for (let third = 0; third < 256; third += 1) {
    const prefix = `100.${second}.${third}`;
    if (!taken.includes(` ${prefix}.`)) return { prefix, third };
  }
  throw new Error(`all of 100.${second}.0.0/16 is in use on this machine`);
}

export async function addBridge(name: string, address: string): Promise<void> {
  await mustRun("ip", ["link", "add", name, "type", "bridge"]);
  await mustRun("ip", ["addr", "add", address, "dev", name]);
  await mustRun("ip", ["link", "set", name, "up"]);
}

/** Removes a network interface; one that is not there is as good as removed. */
export async function removeLink(name: string): Promise<void> {
  await run("ip", ["link", "del", name]);
}

export async function rememberNetwork(): Promise<NetworkBefore> {
  const untouched: Record<string, string> = {};
  for (const firewall of firewalls) {
    const rules = await run(firewall, ["-S"]);
    const policy = /^-P FORWARD (\w+)/m.exec(rules.stdout)?.[1];
    if (policy !== undefined && !rules.stdout.includes("DOCKER")) untouched[firewall] = policy;
  }
  return { forwarding: readFileSync(forwardingSwitch, "utf8").trim(), untouched };
}

/** Takes away what an engine left in the firewall. Rules that came from others meanwhile stay. */
export async function restoreNetwork(before: NetworkBefore, bridges: readonly string[]): Promise<void> {
  const names = ["docker0", "docker_gwbridge", ...bridges].join("|");
  // The last kind lets a container reach its own published port: from one address, to the same address.
  const ours = new RegExp(`\\bDOCKER|-[io] (${names})( |$)|-s (\\S+) -d \\3 .*MASQUERADE`);
  for (const [firewall, forwardPolicy] of Object.entries(before.untouched)) {
    if (findProgram(`${firewall}-save`) === undefined) continue;
    const saved = await mustRun(`${firewall}-save`, []);
    const kept = saved
      .split("\n")
      .filter((line) => !ours.test(line))
      .map((line) => line.replace(/^:FORWARD \w+/, `:FORWARD ${forwardPolicy}`));
    await mustRun(`${firewall}-restore`, [], { input: kept.join("\n") });
  }
  writeFileSync(forwardingSwitch, before.forwarding);
}

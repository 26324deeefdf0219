import { join, resolve } from "node:path";
import { consulAddress, dockerAddress } from "./addresses.ts";
import { settingsDefaults } from "./defaults.ts";
import type { Reading } from "./reading.ts";
import { readText } from "./reading.ts";
import type { HostFile } from "./schema.ts";
import type { DockerEndpoint, HostSettings } from "./settings.ts";

type HostFiles = Readonly<Record<string, HostFile>>;

/** The engines of an environment; without any in the file, the one that the docker CLI would ask. */
export async function hostSettings(
  reading: Reading,
  files: HostFiles | undefined,
  agent: string,
): Promise<Readonly<Record<string, HostSettings>>> {
  const local = settingsDefaults.host;
  if (files === undefined) {
    const docker = await endpointFromVariables(reading);
    return { [local]: { name: local, docker, consulAgent: agent, address: null } };
  }
  const hosts: Record<string, HostSettings> = {};
  for (const [name, file] of Object.entries(files)) {
    const docker = await endpointOf(reading, name, file);
    hosts[name] = {
      name,
      docker,
      consulAgent: agentOf(reading, name, file.consulAgent, agent),
      address: file.address ?? null,
    };
  }
  refuseTwins(reading, hosts);
  return hosts;
}

async function endpointOf(reading: Reading, name: string, file: HostFile): Promise<DockerEndpoint> {
  const path = ["hosts", name, "docker"];
  const parsed = dockerAddress(file.docker ?? settingsDefaults.dockerAddress);
  if (parsed.kind === "unusable") {
    reading.wrong(path, "this is not an engine's address", parsed.expected);
    return { address: settingsDefaults.dockerAddress, tlsDirectory: null };
  }
  if (file.tls === undefined) return { address: parsed.address, tlsDirectory: null };
  if (!overTcp(parsed.address)) {
    reading.wrong(["hosts", name, "tls"], "only tcp:// engines have TLS", 'no "tls" here');
    return { address: parsed.address, tlsDirectory: null };
  }
  const tlsDirectory = resolve(reading.baseDirectory, file.tls.directory);
  const lacking = await lackingCertificate(reading, tlsDirectory);
  if (lacking !== null) reading.wrong(["hosts", name, "tls", "directory"], lacking, certificates);
  return { address: parsed.address, tlsDirectory };
}

/** `DOCKER_TLS_VERIFY` turns TLS on by any text, as the docker CLI has it. */
async function endpointFromVariables(reading: Reading): Promise<DockerEndpoint> {
  const { variables, homeDirectory } = reading.facts;
  const parsed = dockerAddress(variables["DOCKER_HOST"] || settingsDefaults.dockerAddress);
  if (parsed.kind === "unusable") {
    reading.wrongVariable("DOCKER_HOST", "this is not an engine's address", parsed.expected);
    return { address: settingsDefaults.dockerAddress, tlsDirectory: null };
  }
  if (!variables["DOCKER_TLS_VERIFY"] || !overTcp(parsed.address))
    return { address: parsed.address, tlsDirectory: null };
  const tlsDirectory = resolve(
    reading.facts.workingDirectory,
    variables["DOCKER_CERT_PATH"] || join(homeDirectory, ".docker"),
  );
  const lacking = await lackingCertificate(reading, tlsDirectory);
  if (lacking !== null) reading.wrongVariable("DOCKER_CERT_PATH", lacking, certificates);
  return { address: parsed.address, tlsDirectory };
}

const certificates = "a directory with ca.pem, cert.pem and key.pem";

async function lackingCertificate(reading: Reading, directory: string): Promise<string | null> {
  for (const name of ["ca.pem", "cert.pem", "key.pem"]) {
    const found = await readText(reading, join(directory, name));
    if (found.kind === "failed") return found.reason;
  }
  return null;
}

function agentOf(reading: Reading, name: string, text: string | undefined, standard: string): string {
  if (text === undefined) return standard;
  const parsed = consulAddress(text);
  if (parsed.kind === "address") return parsed.address;
  reading.wrong(["hosts", name, "consulAgent"], "this is not an address of Consul", parsed.expected);
  return standard;
}

/** One engine under two names would be counted, and filled, twice. */
function refuseTwins(reading: Reading, hosts: Readonly<Record<string, HostSettings>>): void {
  const users = new Map<string, string>();
  for (const { name, docker } of Object.values(hosts)) {
    const other = users.get(docker.address);
    if (other !== undefined)
      reading.wrong(["hosts", name], `this is the same engine as "${other}"`, "each engine once");
    users.set(docker.address, name);
  }
}

function overTcp(address: string): boolean {
  return /^(?:tcp|https?):/.test(address);
}

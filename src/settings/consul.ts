import { resolve } from "node:path";
import { secret } from "../model/secret.ts";
import type { Secret } from "../model/secret.ts";
import { consulAddress } from "./addresses.ts";
import { settingsDefaults } from "./defaults.ts";
import type { TlsFile } from "./channel-schema.ts";
import type { Reading } from "./reading.ts";
import { needSecret, readSecret, readText } from "./reading.ts";
import type { ConsulFile } from "./schema.ts";
import type { ConsulSettings, TlsSettings } from "./settings.ts";

/** How Consul is reached: what the file says, and what it leaves out as Consul's own tools take it from variables. */
export async function consulSettings(reading: Reading, file: ConsulFile | undefined): Promise<ConsulSettings> {
  const { facts } = reading;
  for (const name of ["CONSUL_CAPATH", "CONSUL_HTTP_AUTH"]) {
    if (valueOf(reading, name) !== null)
      reading.wrongVariable(name, "heal has no use for this variable", replacements[name] ?? null);
  }
  const token =
    file?.token === undefined ? tokenFromVariables(reading) : needSecret(reading, ["consul", "token"], file.token);
  const tls = file?.tls === undefined ? tlsFromVariables(reading) : tlsSettings(reading, ["consul", "tls"], file.tls);
  return {
    address:
      file?.address === undefined
        ? addressFromVariables(reading, facts.variables["CONSUL_HTTP_ADDR"] ?? "")
        : addressOf(reading, file.address),
    datacenter: file?.datacenter ?? null,
    token: await token,
    tls: await tls,
  };
}

/** Certificates of a section, read from the files it names. */
export async function tlsSettings(reading: Reading, path: readonly string[], file: TlsFile): Promise<TlsSettings> {
  const read = async (key: "ca" | "certificate" | "key"): Promise<string | null> => {
    const name = file[key];
    if (name === undefined) return null;
    const found = await readText(reading, name);
    if (found.kind === "read") return found.value;
    reading.wrong([...path, key], found.reason, "a file with certificates that can be read");
    return null;
  };
  if ((file.certificate === undefined) !== (file.key === undefined)) {
    reading.wrong(path, "a client certificate and its key go together", 'both "certificate" and "key", or neither');
  }
  const [ca, certificate, key] = await Promise.all([read("ca"), read("certificate"), read("key")]);
  return {
    ca,
    certificate,
    key: key === null ? null : secret(key),
    serverName: file.serverName ?? null,
    verify: file.verify ?? true,
  };
}

const replacements: Readonly<Record<string, string>> = {
  CONSUL_CAPATH: "one file in CONSUL_CACERT",
  CONSUL_HTTP_AUTH: "a token in CONSUL_HTTP_TOKEN",
};

function addressOf(reading: Reading, text: string): string {
  const parsed = consulAddress(text);
  if (parsed.kind === "address") return parsed.address;
  reading.wrong(["consul", "address"], "this is not an address of Consul", parsed.expected);
  return settingsDefaults.consulAddress;
}

function addressFromVariables(reading: Reading, text: string): string {
  const parsed = consulAddress(
    text === "" ? settingsDefaults.consulAddress : text,
    flag(reading, "CONSUL_HTTP_SSL") ?? false,
  );
  if (parsed.kind === "address") return parsed.address;
  reading.wrongVariable("CONSUL_HTTP_ADDR", "this is not an address of Consul", parsed.expected);
  return settingsDefaults.consulAddress;
}

/** As in Consul's own tools, the file wins over the text. */
async function tokenFromVariables(reading: Reading): Promise<Secret | null> {
  const file = valueOf(reading, "CONSUL_HTTP_TOKEN_FILE");
  const name = file === null ? "CONSUL_HTTP_TOKEN" : "CONSUL_HTTP_TOKEN_FILE";
  if (valueOf(reading, name) === null) return null;
  const found = await readSecret(
    reading,
    file === null ? { env: name } : { file: resolve(reading.facts.workingDirectory, file) },
  );
  if (found.kind === "read") return found.value;
  reading.wrongVariable(name, found.reason, "a token that can be read");
  return null;
}

async function tlsFromVariables(reading: Reading): Promise<TlsSettings | null> {
  const read = async (name: string): Promise<string | null> => {
    const path = valueOf(reading, name);
    if (path === null) return null;
    const found = await readText(reading, resolve(reading.facts.workingDirectory, path));
    if (found.kind === "read") return found.value;
    reading.wrongVariable(name, found.reason, "a file with certificates that can be read");
    return null;
  };
  const [ca, certificate, key] = await Promise.all(
    ["CONSUL_CACERT", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY"].map((name) => read(name)),
  );
  const serverName = valueOf(reading, "CONSUL_TLS_SERVER_NAME");
  const verify = flag(reading, "CONSUL_HTTP_SSL_VERIFY") ?? true;
  if (verify && [ca, certificate, key, serverName].every((part) => part === null)) return null;
  return {
    ca: ca ?? null,
    certificate: certificate ?? null,
    key: key == null ? null : secret(key),
    serverName,
    verify,
  };
}

/** The spellings that Go, and so Consul, takes for true and false. */
function flag(reading: Reading, name: string): boolean | null {
  const text = valueOf(reading, name);
  if (text === null) return null;
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  reading.wrongVariable(name, "this is neither true nor false", "true or false");
  return null;
}

/** Variables that are set to nothing count as not set. */
function valueOf({ facts }: Reading, name: string): string | null {
  const value = facts.variables[name];
  return value === undefined || value === "" ? null : value;
}

import { resolve } from "node:path";
import type { Secret } from "../model/secret.ts";
import { secret } from "../model/secret.ts";
import { hasPassword, webAddress } from "./addresses.ts";
import type { ChannelFile, ReferenceFile, TlsFile } from "./channel-schema.ts";
import { tlsSettings } from "./consul.ts";
import { settingsDefaults as defaults } from "./defaults.ts";
import type { Read, Reading } from "./reading.ts";
import { readSecret, readText } from "./reading.ts";
import type { ChannelSettings, MailChannel, TlsSettings } from "./settings.ts";
import { milliseconds } from "./tuning.ts";

/**
 * One alert channel. What keeps it from working (a secret or a template that cannot be read) is a warning and makes it
 * unusable: a missing chat key is no reason not to heal.
 */
export async function channelSettings(reading: Reading, name: string, file: ChannelFile): Promise<ChannelSettings> {
  const base: ChannelBase = {
    name,
    timeoutMs: milliseconds(file.timeout ?? defaults.channelTimeout),
    attempts: file.attempts ?? defaults.attempts,
  };
  const path = ["alerts", "channels", name];
  try {
    return await usable({ reading, path, base }, file);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    reading.warn(path, `the channel cannot be used: ${error.message}`);
    return { ...base, kind: "unusable", wanted: file.kind, reason: error.message };
  }
}

type ChannelBase = Pick<ChannelSettings, "name" | "timeoutMs" | "attempts">;
type Of<K extends ChannelFile["kind"]> = Extract<ChannelFile, { readonly kind: K }>;

interface At {
  readonly reading: Reading;
  readonly path: readonly string[];
  readonly base: ChannelBase;
}

class Unusable extends Error {
  override readonly name = "Unusable";
}

async function usable(at: At, file: ChannelFile): Promise<ChannelSettings> {
  switch (file.kind) {
    case "mail":
      return mail(at, file);
    case "webhook":
      return webhook(at, file);
    case "slack":
    case "alertmanager": {
      const http = await httpOf(at, file);
      if (file.kind === "slack") return { ...http, kind: file.kind };
      return { ...http, kind: file.kind, token: await secretOf(at, file.token) };
    }
    case "wecom":
      return { ...(await httpOf(at, file)), kind: file.kind, secret: null };
    case "dingtalk":
    case "feishu":
      return { ...(await httpOf(at, file)), kind: file.kind, secret: await secretOf(at, file.secret) };
  }
}

/** What all channels have that are reached over HTTP. */
async function httpOf(at: At, file: Exclude<ChannelFile, { kind: "mail" }>) {
  return {
    ...at.base,
    url: await urlOf(at, "url", file.url),
    proxy: file.proxy === undefined ? null : await urlOf(at, "proxy", file.proxy),
    tls: await tlsOf(at, file),
  };
}

async function mail({ reading, path, base }: At, file: Of<"mail">): Promise<MailChannel> {
  const text = needed(await textOf(reading, file.smtp)).reveal();
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "") {
    throw new Unusable("its server is not of the form smtp://HOST:25 or smtps://HOST:465");
  }
  refuseLiteralPassword({ reading, path, base }, "smtp", file.smtp);
  const implicit = url.protocol === "smtps:";
  const startTls = file.startTls ?? defaults.startTls;
  const written = await secretOf({ reading, path, base }, file.password);
  return {
    ...base,
    kind: "mail",
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || (implicit ? 465 : 25)),
    encryption: implicit ? "implicit" : startTls === "never" ? "none" : startTls,
    user: file.user ?? (decodeURIComponent(url.username) || null),
    password: written ?? (url.password === "" ? null : secret(decodeURIComponent(url.password))),
    tls: await tlsOf({ reading, path, base }, file),
    from: file.from,
    to: file.to,
  };
}

async function webhook(at: At, file: Of<"webhook">): Promise<ChannelSettings> {
  const headers: Record<string, Secret> = {};
  for (const [name, value] of Object.entries(file.headers ?? {})) {
    if (typeof value === "string" && /auth|cookie|key|secret|token/i.test(name)) {
      at.reading.wrong([...at.path, "headers", name], literalSecret, 'a reference, { "file": … } or { "env": … }');
    }
    headers[name] = needed(await textOf(at.reading, value));
  }
  return {
    ...(await httpOf(at, file)),
    kind: "webhook",
    method: file.method ?? defaults.method,
    headers,
    template: file.template === undefined ? null : await templateOf(at.reading, file.template),
    contentType: file.contentType ?? defaults.contentType,
    accept: file.accept ?? null,
  };
}

async function tlsOf({ reading }: At, { tls }: { readonly tls?: TlsFile | undefined }): Promise<TlsSettings | null> {
  return tls === undefined ? null : tlsSettings({ ...reading, wrong: giveUp }, [], tls);
}

function giveUp(_path: unknown, message: string): never {
  throw new Unusable(message);
}

const literalSecret = "a secret is never written into this file";

async function urlOf(at: At, key: "url" | "proxy", file: string | ReferenceFile): Promise<Secret> {
  const text = needed(await textOf(at.reading, file));
  if (webAddress(text.reveal()) === null) throw new Unusable(`its ${key} is not an http:// or https:// address`);
  refuseLiteralPassword(at, key, file);
  return text;
}

function refuseLiteralPassword({ reading, path }: At, key: string, file: string | ReferenceFile): void {
  if (typeof file !== "string" || !hasPassword(file)) return;
  reading.wrong([...path, key], literalSecret, 'the whole address as a reference, { "file": … } or { "env": … }');
}

async function templateOf(reading: Reading, file: string): Promise<{ readonly path: string; readonly text: string }> {
  return { path: resolve(reading.baseDirectory, file), text: needed(await readText(reading, file)) };
}

async function textOf(reading: Reading, file: string | ReferenceFile): Promise<Read<Secret>> {
  return typeof file === "string" ? { kind: "read", value: secret(file) } : readSecret(reading, file);
}

async function secretOf({ reading }: At, file: ReferenceFile | undefined): Promise<Secret | null> {
  return file === undefined ? null : needed(await readSecret(reading, file));
}

function needed<T>(found: Read<T>): T {
  if (found.kind === "failed") throw new Unusable(found.reason);
  return found.value;
}

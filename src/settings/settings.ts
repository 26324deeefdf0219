import type { Policy } from "../model/policy.ts";
import type { Secret } from "../model/secret.ts";
import type { Tuning } from "../model/tuning.ts";

/**
 * Everything `heal` is told by `heal.json` and by environment variables, for one environment: defaults filled in,
 * paths absolute, durations in milliseconds (`…Ms`), deeply frozen. Secrets are read already and wrapped.
 */
export interface Settings {
  /** Name of the chosen environment: part of container names, labels, Consul keys and the socket's path. */
  readonly environment: string;
  /** All environments of the file, for suggestions. */
  readonly environments: readonly string[];
  /** The file that was read, absolute; null when there is none and all are defaults. */
  readonly configFile: string | null;
  /** What relative paths in `heal.json` and desired-state files start from: the file's directory, else the working one. */
  readonly baseDirectory: string;
  readonly consul: ConsulSettings;
  /** By name; never empty. */
  readonly hosts: Readonly<Record<string, HostSettings>>;
  /** Absolute directories, the later merged over the earlier. */
  readonly desiredState: readonly string[];
  readonly resync: { readonly schedule: string; readonly timezone: string };
  readonly server: ServerSettings;
  readonly policy: Policy;
  readonly alerts: AlertSettings;
  readonly leadership: LeadershipSettings;
  /** What shapes decisions: back-off, quarantine, blast radius. */
  readonly tuning: Tuning;
  /** Containers started at the same time on one host. */
  readonly startsPerHost: number;
  readonly log: { readonly level: LogLevel };
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface ConsulSettings {
  /** `http://…`, `https://…` (no trailing slash) or `unix:///…`. */
  readonly address: string;
  /** null: the agent's own. */
  readonly datacenter: string | null;
  readonly token: Secret | null;
  /** Used for `https` addresses, those of the hosts' agents included; null: the system's certificate authorities. */
  readonly tls: TlsSettings | null;
}

/** Certificates as PEM text, read already. */
export interface TlsSettings {
  /** null: the system's certificate authorities. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: Secret | null;
  /** Name to expect in the server's certificate; null: the address's host. */
  readonly serverName: string | null;
  /** False only where the operator asked for an unverified connection. */
  readonly verify: boolean;
}

export interface HostSettings {
  readonly name: string;
  readonly docker: DockerEndpoint;
  /** Agent that owns the host's registrations; an address as in `ConsulSettings`, by default that one. */
  readonly consulAgent: string;
  /** Address under which the host's containers are registered; null: that of the agent's node. */
  readonly address: string | null;
}

/** An engine in the words of `DOCKER_HOST` (`unix://`, `tcp://`, `https://`, `ssh://`), checked already. */
export interface DockerEndpoint {
  readonly address: string;
  /** Absolute directory of `ca.pem`, `cert.pem` and `key.pem`; null: no TLS, or the system's authorities for `https`. */
  readonly tlsDirectory: string | null;
}

export interface ServerSettings {
  /** null: no TCP listener, the socket alone. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** Base address told to others for hand-over, `http://…`; null: not reachable from other machines. */
  readonly advertise: string | null;
  /** Needed by requests over TCP that change something; null: such requests are taken over the socket only. */
  readonly token: Secret | null;
  /** Unix socket for the command line, one per environment. */
  readonly socketPath: string;
}

export interface LeadershipSettings {
  /** TTL of the daemon's own check, to which its session is bound: how soon a dead leader is noticed. */
  readonly checkTtlMs: number;
  readonly lockDelayMs: number;
}

export interface AlertSettings {
  readonly channels: Readonly<Record<string, ChannelSettings>>;
  /** Always has `default`. */
  readonly routes: Readonly<Record<string, RouteSettings>>;
}

export interface RouteSettings {
  /** Channel names; every one of them is told. */
  readonly critical: readonly string[];
  readonly warning: readonly string[];
  /** Channels to try, in order, when one of the others stays broken. */
  readonly fallback: readonly string[];
  /** How long a condition must hold before it is told. */
  readonly waitMs: number;
  readonly repeatMs: number;
  /** Warnings wait for the end of these hours; null: none. */
  readonly quietHours: QuietHours | null;
}

/** Minutes since midnight in the time zone; `from` > `to` spans midnight. */
export interface QuietHours {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly timezone: string;
}

interface ChannelBase {
  readonly name: string;
  /** Deadline of one delivery. */
  readonly timeoutMs: number;
  /** Tries of one delivery before the channel counts as broken for it. */
  readonly attempts: number;
}

export interface MailChannel extends ChannelBase {
  readonly kind: "mail";
  readonly host: string;
  readonly port: number;
  /** `implicit`: smtps. `required`: STARTTLS or nothing. `opportunistic`: STARTTLS where offered. `none`: never. */
  readonly encryption: "implicit" | "required" | "opportunistic" | "none";
  readonly user: string | null;
  readonly password: Secret | null;
  readonly tls: TlsSettings | null;
  readonly from: string;
  readonly to: readonly string[];
}

/** How an HTTP channel gets to its receiver. */
interface HttpChannelBase extends ChannelBase {
  readonly tls: TlsSettings | null;
  /** Address of an HTTP proxy, which may hold a password; null: none. */
  readonly proxy: Secret | null;
}

export interface SlackChannel extends HttpChannelBase {
  readonly kind: "slack";
  readonly url: Secret;
}

/** The robots of the three Chinese messengers. WeCom's key is part of its address and `secret` is null. */
export interface RobotChannel extends HttpChannelBase {
  readonly kind: "dingtalk" | "wecom" | "feishu";
  readonly url: Secret;
  readonly secret: Secret | null;
}

export interface AlertmanagerChannel extends HttpChannelBase {
  readonly kind: "alertmanager";
  /** Base address, without `/api/v2`. */
  readonly url: Secret;
  readonly token: Secret | null;
}

export interface WebhookChannel extends HttpChannelBase {
  readonly kind: "webhook";
  readonly url: Secret;
  readonly method: "POST" | "PUT";
  readonly headers: Readonly<Record<string, Secret>>;
  /** Liquid template of the body; null: `heal`'s own JSON. */
  readonly template: { readonly path: string; readonly text: string } | null;
  readonly contentType: string;
  /** What a field of a JSON answer says when the message was taken; null: the status decides. */
  readonly accept: { readonly field: string; readonly equals: string | number | boolean } | null;
}

/** A channel whose secret or template could not be read: every delivery fails with the reason, and the route goes on. */
export interface UnusableChannel extends ChannelBase {
  readonly kind: "unusable";
  readonly wanted: Exclude<ChannelSettings["kind"], "unusable">;
  readonly reason: string;
}

export type ChannelSettings =
  | MailChannel
  | SlackChannel
  | RobotChannel
  | AlertmanagerChannel
  | WebhookChannel
  | UnusableChannel;

import { mailNotifier } from "../adapters/mail/mail.ts";
import { alertmanagerNotifier } from "../adapters/webhook/alertmanager.ts";
import { dingtalkNotifier } from "../adapters/webhook/dingtalk.ts";
import { feishuNotifier } from "../adapters/webhook/feishu.ts";
import { webhookNotifier } from "../adapters/webhook/generic.ts";
import { slackNotifier } from "../adapters/webhook/slack.ts";
import { unusableNotifier } from "../adapters/webhook/unusable.ts";
import { wecomNotifier } from "../adapters/webhook/wecom.ts";
import { assertNever } from "../model/assert-never.ts";
import type { Alerting } from "../loop/alerting.ts";
import { startAlerting } from "../loop/alerting.ts";
import type { Log } from "../ports/log.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { Channel } from "../report/alerts/channel.ts";
import type { ChannelSettings, Settings } from "../settings/settings.ts";
import type { Adapters } from "./adapters.ts";
import type { Assembly } from "./world.ts";

/** Every alert channel of the settings, ready to be told. */
export function openChannels({ alerts }: Settings): readonly Channel[] {
  return Object.values(alerts.channels).map((settings) => ({
    notifier: openChannel(settings),
    timeoutMs: settings.timeoutMs,
    attempts: settings.attempts,
  }));
}

/** Alerting of one environment, over these channels. */
export function openAlerting(
  settings: Settings,
  { clock, random }: Adapters,
  { memory, desired, leadership, entered }: Assembly,
  log: Log,
  channels: readonly Channel[],
): Alerting {
  return startAlerting({
    clock,
    random,
    log,
    memory,
    fence: () => leadership().current(),
    // A command that only looks has not stood for office, and must not by being asked.
    leadership: () => entered()?.standing() ?? { kind: "stopped", sinceMs: clock.steadyMs() },
    desired,
    channels,
    rules: { routes: settings.alerts.routes, timezone: settings.resync.timezone },
    commandSuffix: settings.environments.length > 1 ? ` --env ${settings.environment}` : "",
  });
}

function openChannel(settings: ChannelSettings): Notifier {
  switch (settings.kind) {
    case "mail":
      return mailNotifier({
        ...settings,
        tls: settings.tls === null ? null : { ...settings.tls, cert: settings.tls.certificate },
      });
    case "slack":
      return slackNotifier(settings);
    case "dingtalk":
      return dingtalkNotifier(settings);
    case "wecom":
      return wecomNotifier(settings);
    case "feishu":
      return feishuNotifier(settings);
    case "alertmanager":
      return alertmanagerNotifier(settings);
    case "webhook":
      return webhookNotifier(settings);
    case "unusable":
      return unusableNotifier(settings);
    default:
      return assertNever(settings);
  }
}

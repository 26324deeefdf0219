import { assertNever } from "../model/assert-never.ts";
import type { Alerting } from "../loop/alerting.ts";
import { startAlerting } from "../loop/alerting.ts";
import type { Log } from "../ports/log.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { Channel } from "../report/alerts/channel.ts";
import type { ChannelSettings, Settings } from "../settings/settings.ts";
import type { Adapters } from "./adapters.ts";
import type { Assembly } from "./world.ts";

/** Every alert channel of the settings, ready to be told. A kind that nobody has chosen is not even loaded. */
export function openChannels({ alerts }: Settings): Promise<readonly Channel[]> {
  return Promise.all(
    Object.values(alerts.channels).map(async (settings) => ({
      notifier: await openChannel(settings),
      timeoutMs: settings.timeoutMs,
      attempts: settings.attempts,
    })),
  );
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

async function openChannel(settings: ChannelSettings): Promise<Notifier> {
  switch (settings.kind) {
    case "mail": {
      const { mailNotifier } = await import("../adapters/mail/mail.ts");
      const tls = settings.tls === null ? null : { ...settings.tls, cert: settings.tls.certificate };
      return mailNotifier({ ...settings, tls });
    }
    case "slack":
      return (await import("../adapters/webhook/slack.ts")).slackNotifier(settings);
    case "dingtalk":
      return (await import("../adapters/webhook/dingtalk.ts")).dingtalkNotifier(settings);
    case "wecom":
      return (await import("../adapters/webhook/wecom.ts")).wecomNotifier(settings);
    case "feishu":
      return (await import("../adapters/webhook/feishu.ts")).feishuNotifier(settings);
    case "alertmanager":
      return (await import("../adapters/webhook/alertmanager.ts")).alertmanagerNotifier(settings);
    case "webhook":
      return (await import("../adapters/webhook/generic.ts")).webhookNotifier(settings);
    case "unusable":
      return (await import("../adapters/webhook/unusable.ts")).unusableNotifier(settings);
    default:
      return assertNever(settings);
  }
}

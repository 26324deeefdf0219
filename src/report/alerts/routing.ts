import type { Alert, AlertQuietHours, AlertRoute, AlertRules, AlertSeverity, Silence } from "../../model/alert.ts";
import { DEFAULT_ROUTE } from "./condition.ts";
import { minuteOfDay } from "./times.ts";

/** What is known of the present when it is decided who is told. */
export interface Present {
  readonly nowMs: number;
  readonly wallMs: number;
  readonly rules: AlertRules;
  readonly silences: readonly Silence[];
}

type Routed = Pick<Alert, "routes" | "severity" | "services" | "subject">;

/** The routes an alert goes by; a name that the settings do not have (any more) falls back to the default one. */
export function routesOf(alert: Pick<Alert, "routes">, rules: AlertRules): readonly AlertRoute[] {
  const fallback = rules.routes[DEFAULT_ROUTE];
  const routes = alert.routes.map((name) => rules.routes[name] ?? fallback).filter((route) => route !== undefined);
  return [...new Set(routes)];
}

/** Channels to be told now, each once; routes in their quiet hours leave warnings out. */
export function channelsToTell(alert: Routed, present: Present): readonly string[] {
  const awake = routesOf(alert, present.rules).filter((route) => !sleeps(route, alert.severity, present.wallMs));
  return [...new Set(awake.flatMap((route) => route[alert.severity]))];
}

/** Channels to tell in the place of a broken one, in the order in which they are tried. */
export function channelsInstead(alert: Routed, rules: AlertRules): readonly string[] {
  const routes = routesOf({ routes: [...alert.routes, DEFAULT_ROUTE] }, rules);
  return [...new Set([...routes.flatMap(({ fallback }) => fallback), ...routes.flatMap(({ critical }) => critical)])];
}

/** Whether nobody is to hear of it for now: it is silenced, or only a warning and all its routes sleep. */
export function isHushed(alert: Routed, present: Present): boolean {
  return isSilenced(alert, present) || isAsleep(alert, present);
}

/** Whether it is a warning and all its routes are in their quiet hours. */
export function isAsleep(alert: Routed, { rules, wallMs }: Present): boolean {
  const routes = routesOf(alert, rules);
  return routes.length > 0 && routes.every((route) => sleeps(route, alert.severity, wallMs));
}

/** By its subject, or because every service it is about is silenced. */
export function isSilenced({ subject, services }: Routed, present: Present): boolean {
  const silenced = new Set(present.silences.filter((silence) => isLive(silence, present)).map((one) => one.subject));
  if (silenced.size === 0) return false;
  return silenced.has(subject) || (services.length > 0 && services.every((service) => silenced.has(service)));
}

/** A silence ends when either clock says so: a jump of one of them can end it early and never prolongs it. */
export function isLive(silence: Silence, { nowMs, wallMs }: Pick<Present, "nowMs" | "wallMs">): boolean {
  return nowMs < silence.untilMs && wallMs < silence.untilWallMs;
}

function sleeps({ quietHours }: AlertRoute, severity: AlertSeverity, wallMs: number): boolean {
  return severity === "warning" && quietHours !== null && isQuiet(quietHours, wallMs);
}

/** From the first minute on, up to but not including the last; the same minute twice means never. */
export function isQuiet({ fromMinute, toMinute, timezone }: AlertQuietHours, wallMs: number): boolean {
  const minute = minuteOfDay(timezone, wallMs);
  if (fromMinute <= toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

import { expect, it } from "vitest";
import { openMetrics } from "../../src/server/metrics.ts";
import { aStanding } from "../builders/standing.ts";

async function linesOf(metrics: ReturnType<typeof openMetrics>, name: string): Promise<readonly string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
}

it("every metric is called heal_something", async () => {
  const text = await openMetrics("0.1.0").text();
  const names = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((line) => !line.startsWith("heal_"))).toEqual([]);
  expect(text).toContain('heal_build_info{version="0.1.0"} 1');
});

it("tells the event loop's lag as it is when asked, and keeps no watch on it that would wake an idle process", async () => {
  const names = (await openMetrics("0.1.0").text()).match(/^heal_nodejs_eventloop_lag\w*(?= )/gm);
  expect(names).toEqual(["heal_nodejs_eventloop_lag_seconds"]);
});

it("shows how services stand now, and none that is desired no more", async () => {
  const metrics = openMetrics("0.1.0");
  metrics.standing(aStanding("web", { status: 2, healthy: 1 }));
  metrics.standing(aStanding("api"));
  metrics.standing(aStanding("web", { status: 1, healthy: 4, surplus: 1 }));
  expect(await linesOf(metrics, "heal_service_")).toEqual([
    'heal_service_status{service="web"} 1',
    'heal_service_status{service="api"} 0',
    'heal_service_desired{service="web"} 3',
    'heal_service_desired{service="api"} 3',
    'heal_service_healthy{service="web"} 4',
    'heal_service_healthy{service="api"} 3',
    'heal_service_surplus{service="web"} 1',
    'heal_service_surplus{service="api"} 0',
  ]);
  metrics.forget(["web"]);
  expect(await linesOf(metrics, "heal_service_status")).toEqual(['heal_service_status{service="api"} 0']);
});

it("bounds its series: what is in trouble comes first, and all are counted", async () => {
  const metrics = openMetrics("0.1.0", 2);
  for (const name of ["a", "b", "c"]) metrics.standing(aStanding(name));
  metrics.standing(aStanding("d", { status: 3 }));
  expect(await linesOf(metrics, "heal_service_status")).toEqual([
    'heal_service_status{service="d"} 3',
    'heal_service_status{service="a"} 0',
  ]);
  expect(await linesOf(metrics, "heal_services{")).toEqual([
    'heal_services{status="passing"} 3',
    'heal_services{status="warning"} 0',
    'heal_services{status="critical"} 0',
    'heal_services{status="unknown"} 1',
  ]);
});

it("counts actions by kind and outcome, and times those that were sent", async () => {
  const metrics = openMetrics("0.1.0");
  metrics.actionFinished("start-instance", "done", 233);
  metrics.actionFinished("start-instance", "failed", 1_000);
  metrics.actionFinished("start-instance", "skipped", 0);
  metrics.passFinished(1_250);
  metrics.leader(true);
  metrics.hosts(2, 1);
  metrics.sourceFailed("consul");
  metrics.alertFinished("delivered");
  expect(await linesOf(metrics, "heal_actions_total")).toEqual([
    'heal_actions_total{kind="start-instance",outcome="done"} 1',
    'heal_actions_total{kind="start-instance",outcome="failed"} 1',
    'heal_actions_total{kind="start-instance",outcome="skipped"} 1',
  ]);
  expect(await linesOf(metrics, "heal_action_duration_seconds_sum")).toEqual([
    'heal_action_duration_seconds_sum{kind="start-instance"} 1.233',
  ]);
  expect(await linesOf(metrics, "heal_pass_duration_seconds_sum")).toEqual(["heal_pass_duration_seconds_sum 1.25"]);
  expect(await linesOf(metrics, "heal_leader")).toEqual(["heal_leader 1"]);
  expect(await linesOf(metrics, "heal_hosts")).toEqual([
    'heal_hosts{state="answering"} 2',
    'heal_hosts{state="silent"} 1',
  ]);
  expect(await linesOf(metrics, "heal_source_failures_total")).toEqual([
    'heal_source_failures_total{source="consul"} 1',
  ]);
  expect(await linesOf(metrics, "heal_alerts_total")).toEqual(['heal_alerts_total{outcome="delivered"} 1']);
});

import { expect, it } from "vitest";
import { openHolders } from "../../src/observe/holders.ts";

it("names the hosts that hold containers under a key, in the order of the settings", () => {
  const holders = openHolders<string>();
  holders.note("h3", 2, "service web", true);
  holders.note("h1", 0, "service web", true);
  holders.note("h2", 1, "service web", true);
  holders.note("h1", 0, "service web", true);
  holders.note("h1", 0, "service api", true);
  expect(holders.of("service web")).toEqual(["h1", "h2", "h3"]);
  holders.note("h2", 1, "service web", false);
  holders.note("h2", 1, "service web", false);
  expect(holders.of("service web")).toEqual(["h1", "h3"]);
  expect(holders.of("service api")).toEqual(["h1"]);
  holders.note("h1", 0, "service api", false);
  expect(holders.of("service api")).toEqual([]);
});

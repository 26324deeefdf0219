import { defineConfig } from "vitest/config";

/** What speaks to sockets, processes and files, be it against a stand-in on this machine. */
const edges = [
  "test/adapters/**/*.test.ts",
  "test/server/**/*.test.ts",
  "test/cli/quick/*.test.ts",
  "test/cli/bad-input.test.ts",
  "test/cli/json-shapes.test.ts",
  "test/cli/commands/others.test.ts",
  "test/desired/on-disk.test.ts",
  "test/desired/same-files.test.ts",
  "test/perf-guard/cost.test.ts",
  "test/report/alerts/host-death.test.ts",
  "test/settings/locate-socket.test.ts",
];
/** Rules that hold for whatever is drawn: as many draws as a test run has time for, more with HEAL_PROPERTY_RUNS. */
const properties = ["test/fuzz/**/*.test.ts", "test/**/*{property,properties}.test.ts"];
const realParts = ["test/e2e/**", "test/**/*.real.test.ts"];

/**
 * Kinds of test, by what they need: `unit` computes only and takes seconds; `properties` draws its cases; `edges` tests
 * adapters and the server against local sockets, processes and files; `simulator` plays the whole controller. These
 * need nothing but Node.
 * `real` needs a Docker engine and Consul (set up once by the global set-up), `fleet` needs the machine to itself, and
 * `faults` does to real parts what breaks them. They run in that order.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...properties, ...edges, ...realParts, "test/simulator/**"],
          // No test changes what another could see, so none needs modules or a process of its own: most of the time went
          // there. What needs a umask, a socket or a folder is not one of these.
          isolate: false,
          pool: "threads",
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "properties",
          include: properties,
          isolate: false,
          maxWorkers: "100%",
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "edges",
          include: edges,
          exclude: realParts,
          isolate: false,
          maxWorkers: "100%",
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "simulator",
          include: ["test/simulator/**/*.test.ts"],
          isolate: false,
          testTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "real",
          include: ["test/**/*.real.test.ts", "test/e2e/*.test.ts"],
          globalSetup: ["test/e2e/support/machine.ts"],
          // Patience, not promises: what must be quick is measured by the test that says so.
          testTimeout: 240_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          // Real time on a machine that others use too: what fails twice is a failure.
          retry: 1,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: "fleet",
          include: ["test/e2e/fleet/**/*.test.ts"],
          globalSetup: ["test/e2e/support/machine.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        test: {
          name: "faults",
          include: ["test/e2e/faults/**/*.test.ts"],
          globalSetup: ["test/e2e/support/machine.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 6 },
        },
      },
    ],
  },
});

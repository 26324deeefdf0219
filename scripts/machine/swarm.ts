import { askEngine } from "./engine-api.ts";
import { stateFolder } from "./state.ts";

/** Has the engine be a Swarm of its own, for all who need one; gives the way back. An engine that ends with the run needs none. */
export async function ensureSwarm(docker: string): Promise<() => Promise<void>> {
  const { Swarm } = await askEngine<{ Swarm: { LocalNodeState: string } }>(docker, "GET", "/info");
  if (Swarm.LocalNodeState === "active") return async () => undefined;
  await askEngine(docker, "POST", "/swarm/init", { json: { ListenAddr: "127.0.0.1:0", AdvertiseAddr: "127.0.0.1" } });
  const ours = process.env["HEAL_TEST_DOCKER"] !== undefined || docker.includes(stateFolder());
  return async () => {
    if (!ours) await askEngine(docker, "POST", "/swarm/leave?force=true");
  };
}

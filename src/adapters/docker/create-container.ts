import type Docker from "dockerode";
import { type Creation, EngineError, type MayGoOn } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";
import { createBody, furtherNetworks } from "./create-body.ts";
import { pullImage } from "./pull-image.ts";
import { asText } from "../answer.ts";
import { hidingSecrets } from "../container-spec.ts";

export interface CreateDeadlines {
  readonly createMs: number;
  readonly startMs: number;
  readonly pullMs: number;
}

/**
 * Creates and starts a container, fetching its image first when the engine says that it lacks it, and gives its id.
 * When the engine refuses to start it, what was created is removed again; when the outcome is unclear, or it may not be
 * started, it is left for the caller's next look. Secret values are taken out of the engine's sentences.
 */
export async function createAndStart(
  connection: DockerConnection,
  deadlines: CreateDeadlines,
  creation: Creation,
  mayGoOn: MayGoOn,
  remove: (id: string) => Promise<void>,
): Promise<string> {
  const id = await createWithImage(connection, deadlines, creation, mayGoOn);
  try {
    for (const network of furtherNetworks(creation.template)) {
      await mayGoOn("prepare");
      await connection.call(`connect ${creation.name} to network ${network}`, deadlines.createMs, (docker) =>
        docker.getNetwork(encodeURIComponent(network)).connect({ Container: id }),
      );
    }
    await mayGoOn("start");
    await connection.call(`start ${creation.name}`, deadlines.startMs, (docker) => docker.getContainer(id).start());
    return id;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.kind === "refused")
      await removeLeftover(error, async () => {
        await mayGoOn("prepare");
        await remove(id);
      });
    throw sinceCreated(error);
  }
}

async function createWithImage(
  connection: DockerConnection,
  { createMs, pullMs }: CreateDeadlines,
  creation: Creation,
  mayGoOn: MayGoOn,
): Promise<string> {
  await mayGoOn("prepare");
  try {
    return await create(connection, createMs, creation);
  } catch (error) {
    if (!(error instanceof EngineError) || error.kind !== "refused" || !/no such image/i.test(error.message))
      throw error;
  }
  await pullImage(connection, creation.template.image, pullMs);
  await mayGoOn("prepare");
  return create(connection, createMs, creation);
}

function create(connection: DockerConnection, deadlineMs: number, creation: Creation): Promise<string> {
  // The body apart from the query, or the environment's secrets would stand in the address.
  const options = { _query: { name: creation.name }, _body: createBody(creation) } as Docker.ContainerCreateOptions;
  return connection.call(`create ${creation.name}`, deadlineMs, async (docker) => {
    const created = hidingSecrets(creation.template, creation.environment, () => docker.createContainer(options));
    return asText((await created).id, "Id");
  });
}

/** Once the container is created, it is not true any more that nothing was sent. */
function sinceCreated(error: EngineError): EngineError {
  return error.kind === "unreachable" ? new EngineError("unclear", error.message, { cause: error }) : error;
}

/** A leftover that cannot be removed is found by the next look: it has a name and labels. It is said, not hidden. */
async function removeLeftover(refusal: EngineError, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    const message = `${refusal.message}; what was created could not be removed: ${(error as Error).message}`;
    throw new EngineError("refused", message, { cause: refusal });
  }
}

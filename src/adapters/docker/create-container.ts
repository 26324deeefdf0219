import type Docker from "dockerode";
import { type Creation, EngineError } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";
import { createBody, furtherNetworks, secretValues } from "./create-body.ts";
import { pullImage } from "./pull-image.ts";
import { asRecord, asText } from "./shape.ts";

export interface CreateDeadlines {
  readonly createMs: number;
  readonly startMs: number;
  readonly pullMs: number;
}

/**
 * Creates and starts a container, fetching its image first when the engine says that it lacks it, and gives its id.
 * When the engine refuses to start it, what was created is removed again; when the outcome is unclear, it is left for
 * the caller's next look, because it may run. Secret values are taken out of the engine's sentences.
 */
export async function createAndStart(
  connection: DockerConnection,
  deadlines: CreateDeadlines,
  creation: Creation,
  remove: (id: string) => Promise<void>,
): Promise<string> {
  try {
    const id = await createWithImage(connection, deadlines, creation);
    try {
      for (const network of furtherNetworks(creation.template)) {
        await connection.call(`connect ${creation.name} to network ${network}`, deadlines.createMs, (docker) =>
          docker.getNetwork(encodeURIComponent(network)).connect({ Container: id }),
        );
      }
      await connection.call(`start ${creation.name}`, deadlines.startMs, (docker) => docker.getContainer(id).start());
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.kind === "refused") await removeLeftover(error, () => remove(id));
      throw sinceCreated(error);
    }
    return id;
  } catch (error) {
    throw error instanceof EngineError ? withoutSecrets(error, secretValues(creation)) : error;
  }
}

async function createWithImage(
  connection: DockerConnection,
  { createMs, pullMs }: CreateDeadlines,
  creation: Creation,
): Promise<string> {
  try {
    return await create(connection, createMs, creation);
  } catch (error) {
    if (!(error instanceof EngineError) || error.kind !== "refused" || !/no such image/i.test(error.message))
      throw error;
  }
  await pullImage(connection, creation.template.image, pullMs);
  return create(connection, createMs, creation);
}

function create(connection: DockerConnection, deadlineMs: number, creation: Creation): Promise<string> {
  return connection.call(`create ${creation.name}`, deadlineMs, async (docker) => {
    // The body apart from the query, or the environment's secrets would stand in the address.
    const options = { _query: { name: creation.name }, _body: createBody(creation) };
    const container = await docker.createContainer(options as Docker.ContainerCreateOptions);
    return asText(asRecord(container, "container")["id"], "Id");
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

/** The cause goes too: a log would print it. */
function withoutSecrets(error: EngineError, secrets: readonly string[]): EngineError {
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, "…"), error.message);
  return message === error.message ? error : new EngineError(error.kind, message);
}

import { EngineError } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";
import { JsonLines } from "./json-lines.ts";
import { asOptional, asRecord, asText } from "../answer.ts";

/**
 * Lets the engine fetch an image that it lacks. Whatever goes wrong is `refused`: without the image nothing was
 * created, so that there is nothing unclear about it.
 */
export async function pullImage(connection: DockerConnection, image: string, deadlineMs: number): Promise<void> {
  try {
    await connection.call(`pull ${image}`, deadlineMs, async (docker) => {
      const progress = await docker.createImage(imageReference(image));
      const lines = new JsonLines();
      for await (const chunk of progress) {
        for (const line of lines.push(chunk as Buffer)) {
          const failure = asOptional(asRecord(line, "progress")["error"], "progress.error", asText);
          if (failure !== null) throw new Error(failure);
        }
      }
    });
  } catch (error) {
    const message = `image ${image} is not on host ${connection.host} and could not be pulled`;
    throw new EngineError("refused", `${message}: ${(error as Error).message}`, { cause: error });
  }
}

/** Without a tag the engine would fetch every one there is. */
function imageReference(image: string): { fromImage: string; tag: string } {
  const digestAt = image.indexOf("@");
  const tagAt = digestAt >= 0 ? digestAt : image.indexOf(":", image.lastIndexOf("/") + 1);
  return tagAt < 0
    ? { fromImage: image, tag: "latest" }
    : { fromImage: image.slice(0, tagAt), tag: image.slice(tagAt + 1) };
}

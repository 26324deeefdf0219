import { StringDecoder } from "node:string_decoder";
import { UnreadableAnswer } from "../answer.ts";

const lineLengthMax = 1024 * 1024;

/** Cuts a stream of bytes into its JSON lines, wherever the chunks were split. Throws `UnreadableAnswer`. */
export class JsonLines {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** The values of the lines that `chunk` completes. */
  push(chunk: Buffer): unknown[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > lineLengthMax)
      throw new UnreadableAnswer(`a line is longer than ${lineLengthMax} characters`);
    return lines.filter((line) => line.trim() !== "").map(parseLine);
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new UnreadableAnswer(`a line is not JSON: ${line.slice(0, 60)}`, { cause: error });
  }
}

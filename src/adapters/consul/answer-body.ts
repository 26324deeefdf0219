import type http from "node:http";
import { Writable } from "node:stream";
import { RegistryError } from "../../ports/registry.ts";

/** Collects one answer. Errors when it is longer than allowed or ends before it is complete. */
export class AnswerBody extends Writable {
  readonly #chunks: Buffer[] = [];
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    super();
    this.#bytesMax = bytesMax;
    this.on("error", () => undefined);
    this.once("pipe", (response: http.IncomingMessage) => {
      // Nobody else listens for an answer that breaks off half-way, and so nobody would notice.
      response.once("error", (error) => this.destroy(error));
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax)
      return done(new RegistryError("unclear", `the answer is longer than ${this.#bytesMax} bytes`));
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

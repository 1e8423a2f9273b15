/** @file Lines of which each holds one chunk of a streamed response, put together to one line per call: chunks of one id, or of the same
 *  request, that follow each other. Every other line passes through at once. Knows no vocabulary of chunks. */
import { isStream } from "./formats/streams.js";
import { type JsonObject, isJsonObject } from "../json.js";

export class ChunkLines {
  private key = "";
  private first: JsonObject | undefined;
  private firstLine = 0;
  private chunks: JsonObject[] = [];

  constructor(private readonly give: (value: JsonObject, line: number) => void) {}

  take(value: JsonObject, line: number): void {
    const response = value["response"];
    if (!isJsonObject(response) || response["candidates"] !== undefined || !isStream([response])) {
      if (this.first !== undefined) this.flush();
      return this.give(value, line);
    }
    const key =
      typeof response["id"] === "string" ? response["id"] : JSON.stringify(value["messages"] ?? value["request"]);
    if (this.first === undefined || key !== this.key) {
      this.flush();
      [this.key, this.first, this.firstLine] = [key, value, line];
    }
    this.chunks.push(response);
  }

  /** Gives the call whose chunks were the last ones. */
  flush(): void {
    const { first, chunks, firstLine } = this;
    [this.first, this.chunks] = [undefined, []];
    if (first !== undefined) this.give({ ...first, response: chunks }, firstLine);
  }
}

/** @file Pairs of Batch request and result lines by `custom_id`, whatever the order of files and lines. Keeps where each
 *  request stands (a hash and an offset), never its text: results then fetch their request from the file. */
import { closeSync, readSync } from "node:fs";
import { decodeBytes, openInput, type TextEncoding } from "./encoding.js";
import { isObject, isRejection, type JsonObject, type Rejection } from "./fields.js";
import { parseBatchPair } from "./formats/openai-batch.js";
import type { Parsed } from "./formats/format.js";
import { hashTexts } from "./hashes.js";

/** Where a line stands; `path` is the file as given. */
export interface LinePlace {
  readonly path: string;
  readonly line: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly encoding: TextEncoding;
}

interface Slot extends LinePlace {
  answered: boolean;
  ambiguous: boolean;
}

/** Requests by `custom_id`; open until `close`. */
export class BatchRequests {
  private readonly slots = new Map<string, Slot>();
  private readonly files = new Map<string, number>();

  /** Registers a request line; false when its `custom_id` is taken already. */
  add(customId: string, place: LinePlace): boolean {
    const key = hashTexts(customId);
    const slot = this.slots.get(key);
    if (slot === undefined) this.slots.set(key, { ...place, answered: false, ambiguous: false });
    else slot.ambiguous = true;
    return slot === undefined;
  }

  /** The record of a result line with its request, or why there is none. */
  join(customId: string, result: JsonObject): Parsed | Rejection {
    const slot = this.slots.get(hashTexts(customId));
    if (slot === undefined) return { reject: "no batch request with this custom_id: give the input file too" };
    if (slot.ambiguous) return { reject: "several batch requests have this custom_id" };
    slot.answered = true;
    const request = this.read(slot);
    return isRejection(request) ? request : parseBatchPair(request, result);
  }

  /** Requests that no result answered, in order of registration. */
  unanswered(): readonly LinePlace[] {
    return [...this.slots.values()].filter((slot) => !slot.answered && !slot.ambiguous);
  }

  close(): void {
    for (const file of this.files.values()) closeSync(file);
    this.files.clear();
  }

  private read(place: LinePlace): JsonObject | Rejection {
    const file = this.files.get(place.path) ?? openInput(place.path);
    this.files.set(place.path, file);
    const bytes = Buffer.alloc(place.sizeBytes);
    readSync(file, bytes, 0, place.sizeBytes, place.offsetBytes);
    const value: unknown = JSON.parse(decodeBytes(bytes, place.encoding) ?? "null");
    return isObject(value) ? value : { reject: "the batch request changed while it was read" };
  }
}

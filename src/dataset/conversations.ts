/** @file Which calls belong to one conversation: those that the log names alike, and those of which one's history begins with the other's
 *  turns, so that the first call of a conversation is tied to the later ones. A beginning that many different conversations share (a
 *  greeting, constant examples) ties nothing. Only users' turns are compared: what an application showed in place of the teacher's answer
 *  may differ from it. Pure but for its state. */
import { addText, startHash, type Hasher } from "./hashes.js";
import type { LlmRecord } from "./types.js";

/** A beginning that goes on in more ways than this, and than a share of the calls, is no conversation but a common phrase: a greeting, constant
 *  examples. A document that is asked many questions goes on in many ways too, and is one conversation. */
const COMMON_CONTINUATIONS = 10;
const COMMON_RATIO = 0.01;

function keyOf({ low, high }: Hasher): string {
  return (low >>> 0).toString(36) + (high >>> 0).toString(36);
}

/** Keys of the users' turns so far, one for each turn. */
function prefixKeys(record: Pick<LlmRecord, "messages">): string[] {
  const state = startHash();
  return record.messages
    .filter(({ role }) => role === "user")
    .map(({ content }) => {
      addText(state, content.trim());
      return keyOf(state);
    });
}

export class Conversations {
  /** How each beginning goes on: keys of the next turns. */
  private readonly continuations = new Map<string, Set<string>>();
  private records = 0;

  observe(record: Pick<LlmRecord, "messages">): void {
    this.records++;
    const keys = prefixKeys(record);
    for (let i = 0; i + 1 < keys.length; i++) {
      const [key, next] = [keys[i] ?? "", keys[i + 1] ?? ""];
      const known = this.continuations.get(key) ?? new Set<string>();
      known.add(next);
      this.continuations.set(key, known);
    }
  }

  /** Names of the conversation of a record, after all were observed: the log's own, and that of its history; none for a call alone. */
  of(record: Pick<LlmRecord, "messages" | "conversation">): readonly string[] {
    const named = record.conversation === undefined ? [] : [`c${record.conversation}`];
    const keys = prefixKeys(record);
    const most = Math.max(COMMON_CONTINUATIONS, COMMON_RATIO * this.records);
    const common = keys.findLastIndex((key) => (this.continuations.get(key)?.size ?? 0) > most);
    const root = keys[common + 1];
    const isAlone = root === undefined || (common + 2 === keys.length && !this.continuations.has(root));
    return isAlone ? named : [...named, `t${root}`];
  }
}

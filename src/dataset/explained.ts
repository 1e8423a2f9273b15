/** @file An answer that gives a label and then explains it: "billing — because an invoice is mentioned", "billing (confidence 0.9)", "請求。理由は…".
 *  What stands before the explanation may be a label; whether it is one, a label set must say. Pure. */

/** What stands before an explanation. */
export interface Head {
  readonly text: string;
  /** The rest says itself that it is a reason or a confidence; otherwise it may be a part of the label. */
  readonly isSure: boolean;
}

const MAXIMUM_HEAD_LENGTH = 80;
const MAXIMUM_HEADS = 4;
const ANY = /[\n\u2013\u2014\-:：(（[.。、,;|%]|because|since|です|ます|だ|なぜなら|理由/u;
const EXPLAINING =
  "because|since|reason(?:ing|s)?|rationale|explanation|justification|evidence|confidence|certainty|score|probability|なぜなら|理由|根拠|説明|確信度|信頼度|確度|というのも";
const SEPARATORS: readonly { readonly pattern: RegExp; readonly isSure: boolean }[] = [
  { pattern: new RegExp(`[\\s,;、。.:：(（\\[|*_–—-]+(?:the |my )?(?:${EXPLAINING})(?![a-z])`, "iu"), isSure: true },
  { pattern: /(?<=[^\x00-\x7f])(?:なぜなら|理由|根拠)/u, isSure: true },
  { pattern: /\s*[(（[]\s*(?:[01](?:\.\d+)?|\.\d+|\d{1,3}(?:\.\d+)?\s?[%％])\s*[)）\]]\s*$/u, isSure: true },
  { pattern: /(?:\s*[,:：;|]\s*|\s+)(?:0?\.\d+|1\.0+)\s*$/u, isSure: true },
  {
    pattern: /(?:です|だと(?:思|考え)います|となります|になります|に(?:該当|分類)(?:し|され|でき)ます)(?:[。、\n]|$)/u,
    isSure: false,
  },
  { pattern: /\s+[—–-]{1,2}\s+|[—–]+/u, isSure: false },
  { pattern: /\s*[(（[]/u, isSure: false },
  { pattern: /\s*[:：]/u, isSure: false },
  { pattern: /\.\s+(?=\S)|。\s*(?=\S)/u, isSure: false },
  { pattern: /\s*\n/u, isSure: false },
];

/** What of a text may be a label with an explanation behind it, the shortest first; empty for a text without one. */
export function headsOf(text: string): readonly Head[] {
  if (!ANY.test(text)) return [];
  const part = text.slice(0, MAXIMUM_HEAD_LENGTH + 40);
  const found = new Map<string, Head>();
  for (const { pattern, isSure } of SEPARATORS) {
    const at = pattern.exec(part)?.index ?? 0;
    const head = part.slice(0, at).trim();
    if (head === "" || head.length > MAXIMUM_HEAD_LENGTH || head.includes("\n") || found.has(head)) continue;
    found.set(head, { text: head, isSure });
  }
  return [...found.values()].toSorted((a, b) => a.text.length - b.text.length).slice(0, MAXIMUM_HEADS);
}

/** @file A label as the words that it is made of. Where labels are few, what they are called says as much as a text. Knows no language. */

const SEPARATORS = /[_\-./:|\\]+/gu;
const CASE_BORDER = /(\p{Ll})(\p{Lu})/gu;
const WORD = /\p{L}{2}/u;

/** The words of a label, `card_arrival` and `cardArrival` as `card arrival`; undefined for one that has none, such as a number. */
export function labelText(label: string): string | undefined {
  const text = label.replace(CASE_BORDER, "$1 $2").replace(SEPARATORS, " ").trim();
  return WORD.test(text) ? text : undefined;
}

/** Those of the labels that have words, each with its index. */
export function labelTexts(labels: readonly string[]): { readonly label: number; readonly text: string }[] {
  return labels.flatMap((name, label) => {
    const text = labelText(name);
    return text === undefined ? [] : [{ label, text }];
  });
}

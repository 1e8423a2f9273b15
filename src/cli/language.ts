/** @file The language that a command speaks in. */
export function say(text: string): string {
  return text;
}

import { describe, expect, it } from "vitest";
import { Conversations } from "./conversations.js";
import type { Message } from "./types.js";

const call = (...users: string[]): { messages: Message[] } => ({
  messages: users.flatMap((content, i): Message[] => [
    { role: "user", content },
    ...(i + 1 < users.length ? [{ role: "assistant" as const, content: `answer ${i}` }] : []),
  ]),
});

function observed(...calls: { messages: Message[] }[]): Conversations {
  const conversations = new Conversations();
  for (const each of calls) conversations.observe(each);
  return conversations;
}

describe("conversations", () => {
  it("tie the first call to the later ones whose history it begins", () => {
    const calls = [call("a"), call("a", "b"), call("a", "b", "c")];
    const conversations = observed(...calls);
    const names = calls.map((each) => conversations.of(each));
    expect(names[0]).toHaveLength(1);
    expect(new Set(names.flat()).size).toBe(1);
  });
  it("tie calls of one conversation of which those between are missing", () => {
    const calls = [call("a", "b", "c", "d"), call("a")];
    const conversations = observed(...calls);
    expect(conversations.of(calls[1] ?? call())).toEqual(conversations.of(calls[0] ?? call()));
  });
  it("leave a call alone that nothing continues", () => {
    expect(observed(call("a"), call("b", "c")).of(call("a"))).toEqual([]);
  });
  it("do not tie by a greeting or by constant examples, but by what follows them", () => {
    const greeted = Array.from({ length: 30 }, (_, i) => call("example 1", "example 2", "hi", `question ${i}`));
    const later = Array.from({ length: 30 }, (_, i) => call("example 1", "example 2", "hi", `question ${i}`, "more"));
    const conversations = observed(...greeted, ...later);
    expect(conversations.of(call("example 1", "example 2", "hi"))).toEqual([]);
    const names = greeted.map((each) => conversations.of(each).join());
    expect(new Set(names).size).toBe(30);
    expect(later.map((each) => conversations.of(each).join())).toEqual(names);
  });
  it("tie the many questions to one document", () => {
    const documents = Array.from({ length: 200 }, (_, d) =>
      Array.from({ length: 14 }, (_, q) => call(`document ${d}`, `question ${d} ${q}`)),
    );
    const conversations = observed(...documents.flat());
    const names = documents.map((calls) => new Set(calls.flatMap((each) => conversations.of(each))));
    expect(names.every(({ size }) => size === 1)).toBe(true);
    expect(new Set(names.flatMap((each) => [...each])).size).toBe(200);
  });
  it("keep the name that the log gives beside that of the history", () => {
    const conversations = observed(call("a"), call("a", "b"));
    expect(conversations.of({ ...call("a"), conversation: "7" })).toEqual(["c7", conversations.of(call("a", "b"))[0]]);
  });
});

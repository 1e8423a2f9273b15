import { describe, expect, it } from "vitest";
import { UpstreamError } from "../errors.js";
import { Features } from "./features.js";

function refusal(message: string, status = 400, param = "", code = ""): UpstreamError {
  return new UpstreamError("refused", {
    status,
    facts: { message, param, code },
    isForAll: false,
    mayHaveCost: false,
  });
}

describe("Features", () => {
  it.each([
    ["Invalid parameter: 'response_format' of type 'json_schema' is not supported", "schema"],
    ["This model does not support structured outputs", "schema"],
    ["`logprobs` is not allowed", "logprobs"],
    ["Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "maxTokens"],
    ["Unsupported value: 'temperature' does not support 0", "temperature"],
    ["unknown field seed", "seed"],
  ] as const)("leave out what %j names", (message, name) => {
    const features = new Features();
    expect(features.refuse(refusal(message), features.current)).toMatchObject({ verdict: "again" });
    expect(Object.entries(features.current).filter(([, isUsed]) => !isUsed)).toEqual([[name, false]]);
  });

  it("say so once, however many requests were in flight", () => {
    const features = new Features();
    const sent = features.current;
    const first = features.refuse(refusal("", 400, "response_format"), sent);
    const second = features.refuse(refusal("", 400, "response_format"), sent);
    expect([first.states === undefined, second]).toEqual([false, { verdict: "again" }]);
  });

  it("do not take a text that is too long, or a later refusal without a name, for a missing feature", () => {
    const features = new Features();
    const long = refusal("maximum context length is 10 tokens; you asked for 20 (max_tokens: 12)");
    expect(features.refuse(long, features.current)).toEqual({ verdict: "no" });
    features.confirm();
    expect(features.refuse(refusal("bad request"), features.current)).toEqual({ verdict: "no" });
    expect(features.refuse(refusal("logprobs", 429), features.current)).toEqual({ verdict: "no" });
  });

  it.each([
    ["The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", ""],
    ["Please modify your prompt and retry", "content_filter"],
    ["Your request was rejected", "content_policy_violation"],
    ["Invalid prompt: flagged as potentially violating our usage policy", "invalid_prompt"],
  ])(
    "do not take a text that was filtered for a missing feature, before the first answer too: %j %s",
    (message, code) => {
      const features = new Features();
      expect(features.refuse(refusal(message, 400, "prompt", code), features.current)).toEqual({ verdict: "no" });
      expect(features.current).toEqual(new Features().current);
    },
  );

  it("end: what was left out cannot be refused again", () => {
    const features = new Features();
    for (let round = 0; round < 3; round++) features.refuse(refusal("bad request"), features.current);
    expect(features.refuse(refusal("bad request"), features.current)).toEqual({ verdict: "no" });
    expect(features.current).toEqual({
      schema: false,
      logprobs: false,
      maxTokens: true,
      temperature: true,
      seed: false,
    });
  });
});

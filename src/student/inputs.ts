/** @file What a student reads of its inputs: each parsed and without the template that was learned. */
import { InputError } from "../errors.js";
import { isRejection } from "../json.js";
import { parseInput } from "../template/input.js";
import { readPrompt, type PromptTemplate, type ReadPrompt } from "../template/template.js";

const HINT = "give an array whose items are texts, arrays of messages, { text } or { messages }";

/** One prompt for each input, in order. @throws InputError naming the index of the first input that cannot be read. */
export function readInputs(inputs: unknown, template: PromptTemplate): readonly ReadPrompt[] {
  if (!Array.isArray(inputs)) {
    const came = inputs === null ? "null" : typeof inputs;
    throw new InputError(`predict: expected an array of inputs, came ${came}`, { hint: HINT });
  }
  // Array.from visits holes too, which map leaves out.
  return Array.from(inputs as readonly unknown[], (input, index) => {
    const asked = parseInput(input);
    if (isRejection(asked)) throw new InputError(`predict: inputs[${index}]: ${asked.reject}`, { hint: HINT });
    return readPrompt(asked, template);
  });
}

/** @file The registry of licences: what terms say of models that are built on, and of models whose answers are learned. Data only, one
 *  row a licence, first match wins; clauses are quoted, never explained. Clauses of services were taken from public records that quote
 *  the provider's page as read on the day given. This is no legal advice. */

/** What the terms say: free to use; free under conditions; answers may not train (competing) models; no commercial use; no adaptations. */
export type LicenceStatus =
  | "allowed"
  | "conditions"
  | "outputs-restricted"
  | "non-commercial"
  | "no-derivatives"
  | "unknown";

export interface LicenceEntry {
  /** Name by which it is acknowledged. */
  readonly name: string;
  readonly status: LicenceStatus;
  /** The clause that decides, quoted. */
  readonly terms: string;
  /** Address of the terms, without its scheme. */
  readonly source: string;
  /** Day on which the terms read so. */
  readonly checked: string;
  /** Patterns of model names as logs have them: lower case, without the path and vendor before them. */
  readonly models?: string;
  /** Pattern of licence ids as model cards have them, lower case. */
  readonly ids?: string;
  /** Pattern of a licence's own text. */
  readonly text?: string;
}

const NON_COMMERCIAL =
  "reproduce and Share the Licensed Material, in whole or in part, for NonCommercial purposes only";

export const LICENCES: readonly LicenceEntry[] = [
  {
    name: "openai",
    status: "conditions", // what is made here is a classifier: the exception, as long as it is not distributed
    terms:
      "[Customer will not,] except for a Permitted Exception, use Output to develop artificial intelligence models that compete with OpenAI's products and services [...] “Permitted Exception” means [...] models primarily intended to categorize, classify, or organize data (e.g., embeddings or classifiers), if these models are not distributed or made commercially available to third parties",
    source: "openai.com/policies/services-agreement",
    checked: "2026-10-10",
    models: "(?:chatgpt|gpt-?[3-9](?!all)|o[1-9](?:-|$)|text-davinci|davinci)",
  },
  {
    name: "anthropic",
    status: "outputs-restricted",
    terms:
      "[not allowed:] Use outputs to train an AI model (e.g., “model scraping” or “model distillation”) without prior authorization from Anthropic",
    source: "anthropic.com/legal/aup",
    checked: "2026-10-10",
    models: "claude",
  },
  {
    name: "gemini",
    status: "outputs-restricted",
    terms:
      "You may not use the Services to develop models that compete with the Services (e.g., Gemini API or Google AI Studio).",
    source: "ai.google.dev/gemini-api/terms",
    checked: "2026-10-10",
    models: "gemini",
  },
  {
    name: "qwen-hosted",
    status: "outputs-restricted",
    terms:
      "[you may not] use Model Studio, AI models provided through Model Studio (including any Output of such AI models) to train or develop products or services that compete with Alibaba Cloud and/or its affiliates' products and services, unless expressly authorised by us",
    source: "alibabacloud.com/help/en/legal (product terms, 4.48 Model Studio)",
    checked: "2026-10-10",
    models: "qwen[\\d.]*-(?:max|plus|turbo|flash)",
  },
  {
    name: "deepseek",
    status: "allowed",
    terms:
      "You may apply the Inputs and Outputs of the Services to a wide range of use cases, including [...] training other models (such as model distillation)",
    source: "cdn.deepseek.com/policies/en-US/deepseek-open-platform-terms-of-service.html",
    checked: "2026-10-10",
    models: "deepseek-(?!.*distill)",
  },
  {
    name: "llama-3",
    status: "outputs-restricted",
    terms:
      "You will not use the Llama Materials or any output or results of the Llama Materials to improve any other large language model (excluding [...] derivative works thereof).",
    source: "llama.com/llama3/license, 1.b.v; Llama 2 alike",
    checked: "2026-11-24",
    models: "(?:meta-)?llama-?v?[23](?!\\d)(?![.p-]?[1-9](?!\\d*b))",
    ids: "llama[23]",
    text: "(?:llama 2|meta llama 3) community license",
  },
  {
    name: "llama-3.1",
    status: "conditions",
    terms:
      "If you use the Llama Materials or any outputs or results of the Llama Materials to create, train, fine tune, or otherwise improve an AI model, which is distributed or made available, you shall also include “Llama” at the beginning of any such AI model name.",
    source: "github.com/meta-llama/llama-models, models/llama3_1/LICENSE, 1.b.i; Llama 3.2, 3.3 and 4 alike",
    checked: "2026-11-24",
    models: "(?:meta-)?llama-?v?(?:3[.p-]?[1-9]|4)(?!\\d*b)",
    ids: "llama(?:3\\.[123]|4)",
    text: "llama (?:3\\.[123]|4) community license",
  },
  {
    name: "gemma",
    status: "conditions",
    terms:
      "“Model Derivatives” means all [...] any other machine learning model which is created by transfer of patterns of the weights, parameters, operations, or Output of Gemma, to that model in order to cause that model to perform similarly to Gemma",
    source: "ai.google.dev/gemma/terms, 1.1(e) and 3.1; Gemma 1 to 3",
    checked: "2026-11-24",
    models: "gemma(?!-?[4-9](?!b))",
    ids: "gemma",
    text: "gemma terms of use",
  },
  {
    name: "cc-by-nc-nd",
    status: "no-derivatives",
    terms: `${NON_COMMERCIAL}; produce and reproduce, but not Share, Adapted Material for NonCommercial purposes only`,
    source: "creativecommons.org/licenses/by-nc-nd/4.0/legalcode, 2(a)(1)",
    checked: "2026-11-24",
    ids: "cc-by-nc-nd(?:-[\\d.]+)?",
    text: "attribution-noncommercial-noderivatives",
  },
  {
    name: "cc-by-nc",
    status: "non-commercial",
    terms: NON_COMMERCIAL,
    source: "creativecommons.org/licenses/by-nc/4.0/legalcode, 2(a)(1)",
    checked: "2026-11-24",
    ids: "cc-by-nc(?:-sa)?(?:-[\\d.]+)?",
    text: "attribution-noncommercial",
  },
  {
    name: "cc-by-nd",
    status: "no-derivatives",
    terms: "produce and reproduce, but not Share, Adapted Material",
    source: "creativecommons.org/licenses/by-nd/4.0/legalcode, 2(a)(1)",
    checked: "2026-11-24",
    ids: "cc-by-nd(?:-[\\d.]+)?",
    text: "attribution-noderivatives",
  },
  {
    name: "cc-by-sa",
    status: "conditions",
    terms:
      "If You Share Adapted Material You produce [...] The Adapter's License You apply must be a Creative Commons license with the same License Elements, this version or later, or a BY-SA Compatible License.",
    source: "creativecommons.org/licenses/by-sa/4.0/legalcode, 3(b)",
    checked: "2026-11-24",
    ids: "cc-by-sa(?:-[\\d.]+)?",
    text: "attribution-sharealike",
  },
  {
    name: "cc-by",
    status: "conditions",
    terms:
      "If You Share the Licensed Material (including in modified form), You must: retain [...] identification of the creator(s) of the Licensed Material",
    source: "creativecommons.org/licenses/by/4.0/legalcode, 3(a)",
    checked: "2026-11-24",
    ids: "cc-by(?:-[\\d.]+)?",
    text: "creative commons attribution|attribution 4\\.0 international",
  },
  {
    name: "apache-2.0",
    status: "allowed",
    terms: "You must give any other recipients of the Work or Derivative Works a copy of this License",
    source: "apache.org/licenses/LICENSE-2.0, 4(a)",
    checked: "2026-11-24",
    models: "gpt-oss",
    ids: "apache-2\\.0|apache(?: license)?(?:,? version)? 2\\.0",
    text: "apache license\\s+version 2\\.0",
  },
  {
    name: "mit",
    status: "allowed",
    terms:
      "The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.",
    source: "opensource.org/license/mit",
    checked: "2026-11-24",
    ids: "mit",
    text: "permission is hereby granted, free of charge",
  },
  {
    name: "bsd",
    status: "allowed",
    terms:
      "Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following disclaimer",
    source: "opensource.org/license/bsd-3-clause",
    checked: "2026-11-24",
    ids: "bsd(?:-[23]-clause)?",
    text: "redistribution and use in source and binary forms",
  },
  {
    name: "cc0-1.0",
    status: "allowed",
    terms: "Affirmer hereby overtly, fully, permanently, irrevocably and unconditionally waives [...] Copyright",
    source: "creativecommons.org/publicdomain/zero/1.0/legalcode",
    checked: "2026-11-24",
    ids: "cc0-1\\.0|unlicense",
    text: "cc0 1\\.0 universal",
  },
];

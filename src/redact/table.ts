/** @file The detectors, the surest first: where two claim the same place, the earlier row has it. A further kind is a row here and a name in
 *  `kinds.ts`. */
import { japaneseAddress, postalCode, postcode, street } from "./addresses.js";
import { email, ip, telephone } from "./contacts.js";
import type { Detector } from "./detector.js";
import { key, namedKey } from "./keys.js";
import { myNumber, ssn } from "./national-numbers.js";
import { bankAccount, card, iban } from "./payments.js";

export const DETECTORS: readonly Detector[] = [
  key,
  namedKey,
  email,
  iban,
  card,
  bankAccount,
  myNumber,
  ssn,
  ip,
  japaneseAddress,
  street,
  postalCode,
  postcode,
  telephone,
];

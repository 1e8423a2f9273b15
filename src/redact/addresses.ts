/** @file Where somebody lives: addresses of Japan down to the lot, streets of the United States and the United Kingdom, and their postal
 *  codes. A town alone is no address. Surrogates name places that do not exist; no post office has a code that begins with 000 or ZZ. */
import { BEGIN, before, digitsOf, places, withDigits, type Detector } from "./detector.js";
import type { Draw } from "./draw.js";
import type { Span } from "./kinds.js";
import { HAS } from "./triggers.js";

const PREFECTURE =
  "(?:北海道|東京都|京都府|大阪府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|富山|石川|福井|山梨|長野|岐阜|静岡|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県)";
/** Towns whose names begin with a syllable; any other begins with a character or in katakana, so that the sentence before stays. */
const SYLLABIC =
  "(?:さいたま|つくば|いわき|むつ|あきる野|ひたちなか|かすみがうら|つくばみらい|いすみ|みどり|ふじみ野|ふじみの|さくら|にかほ|いちき串木野|うるま|みやま|みやこ|たつの|かほく|あわら|おおい|せたな|えりも|みなべ|すさみ|おいらせ)";
const MUNICIPALITY = String.raw`(?:${SYLLABIC}|(?![同当各])[\p{sc=Han}ァ-ヴヶ々][\p{sc=Han}ァ-ヴーヶケ々]{0,7}?)[市区町村郡]`;
/** No particle before a word, no を, no road's number. */
const TOWN = String.raw`(?:(?:(?![ではに]\p{sc=Han}|を)[\p{sc=Han}ァ-ヴーヶケ々ノぁ-ん]){0,16}?(?<![ではにがをともへや]|[国県府道市都]道|第))`;
/** Sapporo and its kin count streets from a middle. */
const GRID = String.raw`(?:[東西南北]?[0-9一二三四五六七八九十]{1,3}条[東西南北]?)?`;
const NUMERAL = "(?:[0-9]{1,5}|[一二三四五六七八九十百〇]{1,5})";
const LOT = String.raw`${NUMERAL}\s?(?:丁目[東西南北中]?|番地の?|番|-|の)\s?(?:${NUMERAL}(?:丁目|番地の?|番|号|-|の)?\s?){0,4}(?<=[0-9一二三四五六七八九十百〇]|丁目[東西南北中]?|番地|番|号)`;
/** A building and the room in it. */
const BUILDING = String.raw`(?:\s?[\p{sc=Han}ァ-ヴーA-Za-z・ヶ]{2,20}(?:\s?[A-Za-z]?[0-9]{1,5}(?:号室|号|F|階)?|[0-9]{1,2}階))?`;
const JAPANESE = new RegExp(
  String.raw`(?:${PREFECTURE}\s?(?:${MUNICIPALITY}\s?){0,3}|(?:${MUNICIPALITY}\s?){1,3})${TOWN}${GRID}\s?${LOT}(?![0-9年月日時分円人位個回点%対勝敗])${BUILDING}`,
  "gu",
);
/** Where a lot may stand: the pattern is tried around these alone. */
const LOT_BEGIN = /[0-9一二三四五六七八九十百〇]\s?(?:丁目|番|-[0-9]|の[0-9])/g;
const ADDRESS_BEFORE = 48;
const ADDRESS_AFTER = 64;

/** A city's name with two numbers may be a score; with a part of a town, or three numbers, it is a place. */
function isPlace(value: string): boolean {
  if (/丁目|番地|番.{0,8}号/.test(value)) return true;
  const numbers = value.match(/\d+/g)?.length ?? 0;
  const parts = value.match(/[市区町村郡]/g)?.length ?? 0;
  return numbers >= 3 || parts >= 2 || /[市区町村][^市区町村\s\d]{1,16}\s?\d/u.test(value);
}

function* findJapanese(text: string): Generator<Span> {
  let done = 0;
  for (const lot of text.matchAll(LOT_BEGIN)) {
    if (lot.index < done) continue;
    const start = Math.max(done, lot.index - ADDRESS_BEFORE);
    for (const place of places(text.slice(start, lot.index + ADDRESS_AFTER), JAPANESE)) {
      const span = { start: start + place.start, end: start + place.end };
      if (span.end <= lot.index) continue;
      if (isPlace(text.slice(span.start, span.end))) yield span;
      done = span.end;
      break;
    }
  }
}

const PREFECTURES = ["架空県", "見本県", "例示県"] as const;
const CITIES = ["見本市", "例示市", "青空市", "星見市", "若葉市", "山彦市"] as const;
const TOWNS = ["中央", "緑町", "桜台", "若葉町", "青葉", "泉町", "光町", "栄"] as const;

function otherJapanese(value: string, draw: Draw): string {
  const head = new RegExp(`^${PREFECTURE}`).test(value) ? draw.pick(PREFECTURES) : "";
  const [a, b, c] = [1 + draw.int(9), 1 + draw.int(30), 1 + draw.int(30)];
  const lot = value.includes("丁目")
    ? `${a}丁目${b}番${c}号`
    : value.includes("番地")
      ? `${b}番地${c}`
      : `${a}-${b}-${c}`;
  return `${head}${draw.pick(CITIES)}${draw.pick(TOWNS)}${lot}`;
}

const SUFFIX =
  "(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|Pkwy|Circle|Cir|Highway|Hwy|Close|Crescent|Cres|Gardens|Gdns|Mews|Grove|Trail|Broadway)";
const STATE =
  "(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])";
const POSTCODE_AREA =
  "(?:AB|AL|B|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|FK|FY|G|GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE)";
const POSTCODE = String.raw`${POSTCODE_AREA}[0-9][0-9A-Z]? [0-9][ABD-HJLNP-UW-Z]{2}`;
/** As above, but words of every day too: an address only with its town and code, or with a flat. */
const COMMON_SUFFIX =
  "(?:Row|Walk|Hill|Green|Quay|Rise|View|Park|Wharf|Loop|Run|Point|Plaza|Path|Pass|Ridge|Crossing|Bend|Alley|Pike|Vale|Yard|Gate|Heath|Parade|Mount|Chase|Croft|Embankment|Esplanade)";
const UNIT = String.raw`(?:,?\s+(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|#)\.?\s?#?[A-Za-z0-9-]{1,6})?`;
/** A comma or a new line, as it is or as JSON writes it. */
const NEXT = String.raw`(?:,\s*|[ \t]*(?:\r?\n|\\n)\s*)`;
const CITY = String.raw`(?:${NEXT}[A-Z][A-Za-z.'-]+(?: [A-Z][A-Za-z.'-]+){0,2})`;
const TAIL = String.raw`(?:${CITY}{0,2}?(?:${NEXT}|,?\s+)(?:${STATE}\s+\d{5}(?:-\d{4})?|${POSTCODE})(?![A-Za-z0-9]))`;
const QUARTER = String.raw`(?:\s+(?:[NS][EW]|[NSEW])\b\.?)?`;
const NAME = String.raw`(?:(?:[NSEW]{1,2}\.?|North|South|East|West)[ \t]+)?(?:(?:[A-Z][A-Za-z'.-]*|\d{1,3}(?:st|nd|rd|th)|of|the)[ \t]+){1,4}?`;
const HOUSE = String.raw`\d(?<![A-Za-z0-9.$£€#/:-]\d|\d[ ,]\d)\d{0,5}[A-Za-z]?(?:-\d{1,4})?,?[ \t]+`;
const STREET = new RegExp(String.raw`${HOUSE}${NAME}${SUFFIX}\b\.?${QUARTER}${UNIT}${TAIL}?`, "g");
const COMMON_STREET = new RegExp(String.raw`${HOUSE}${NAME}${COMMON_SUFFIX}\b${UNIT}${TAIL}`, "g");
const STREET_OF_FLAT = new RegExp(
  String.raw`(?:Flat|Apartment|Unit)\s[A-Za-z0-9]{1,4},?\s+${HOUSE}${NAME}${COMMON_SUFFIX}\b${UNIT}${TAIL}?`,
  "g",
);
const HAS_COMMON_SUFFIX = new RegExp(String.raw`[a-z] ${COMMON_SUFFIX}\b`);
/** As people type it. */
const SMALL_STREET =
  /\d(?<![A-Za-z0-9.$£€#/:-]\d|\d[ ,]\d)\d{0,4} (?!(?:hour|day|minute|min|mile|km|meter|metre|block|lane|way|more|other|per|the|of|and|or|a)s? )[a-z]{3,15}(?: (?:street|avenue|boulevard|road|lane))(?:,? (?:apt|suite|unit|flat) ?#?\d{1,5}[a-z]?)?\b/g;
const BOX = /[Pp]\.?\s?[Oo]\.?\s?(?:Box|BOX|box)\s?\d{1,6}\b/g;
/** What stands before the house: a flat in it. */
const FLAT = /(?:Flat|Apt\.?|Apartment|Unit)\s[A-Za-z0-9]{1,4},?\s+$/;

function* findStreets(text: string): Generator<Span> {
  yield* streetsOf(text, STREET);
  if (HAS_COMMON_SUFFIX.test(text)) {
    yield* streetsOf(text, COMMON_STREET);
    yield* places(text, STREET_OF_FLAT);
  }
  yield* places(text, SMALL_STREET);
  yield* places(text, BOX);
}

/** Places of a pattern, with the flat before the house. */
function* streetsOf(text: string, pattern: RegExp): Generator<Span> {
  for (const { start, end } of places(text, pattern, (value) => !/^\d+\s+(?:The|Of)\s/i.test(value)))
    yield { start: start - (FLAT.exec(text.slice(Math.max(0, start - 16), start))?.[0].length ?? 0), end };
}

const STREETS = ["Sample", "Example", "Specimen", "Placeholder", "Fictional", "Imaginary", "Model", "Pattern"] as const;

function otherStreet(value: string, draw: Draw): string {
  if (/box/i.test(value)) return withDigits(value, draw.digits(digitsOf(value).length));
  const suffix = new RegExp(String.raw`\b${SUFFIX}\b`, "i").exec(value)?.[0] ?? "Street";
  const street = `${1 + draw.int(999)} ${draw.pick(STREETS)} ${suffix}`;
  const [state] = new RegExp(String.raw`\b${STATE}(?=\s+\d{5})`).exec(value) ?? [];
  if (state !== undefined) return `${street}, Sampletown, ${state} 00${draw.int(5)}${draw.digits(2)}`;
  const tailed = new RegExp(POSTCODE).test(value);
  return tailed ? `${street}, Sampleton, ZZ${draw.int(10)} ${draw.int(10)}ZZ` : street;
}

const MARKED = /〒\s?\d{3}-?\d{4}(?!\d)/g;
const UNMARKED = new RegExp(String.raw`${BEGIN}\d{3}-\d{4}(?![\dA-Za-z]|-\d)`, "g");
const POSTAL_WORD = /(?:郵便番号|住所|宛先|送付先|所在地|お届け先|zip|postal ?code|post ?code)[^\d\n]{0,10}$/i;
const FOLLOWED = new RegExp(String.raw`^[\s,、]{0,3}(?:${PREFECTURE}|[\p{sc=Han}]{1,6}[市区町村郡])`, "u");
const ZIP =
  /\b(?:zip(?: ?code)?|post(?:al)? ?code)\b(?:\s+(?:is|was|to|for|now)){0,2}\s*[:=]?\s*(\d{5}(?:-\d{4})?)(?![\d-])/gi;
const STATE_ZIP = new RegExp(String.raw`\b[A-Z][a-z]+,? ${STATE} (\d{5}(?:-\d{4})?)(?![\dA-Za-z-])`, "g");
const INWARD = /[0-9A-Z] [0-9][A-Z]{2}/;
const BRITISH = new RegExp(String.raw`(?<![A-Za-z0-9/-])${POSTCODE}(?![A-Za-z0-9-])`, "g");

function* findPostalCodes(text: string): Generator<Span> {
  for (const { start, end } of places(text, MARKED)) yield { start: start + text.slice(start, end).search(/\d/), end };
  yield* places(
    text,
    UNMARKED,
    (value, start) =>
      POSTAL_WORD.test(before(text, start)) ||
      FOLLOWED.test(text.slice(start + value.length, start + value.length + 12)),
  );
  yield* places(text, ZIP);
  yield* places(text, STATE_ZIP);
}

function* findPostcodes(text: string): Generator<Span> {
  if (INWARD.test(text)) yield* places(text, BRITISH);
}

function otherPostalCode(value: string, draw: Draw): string {
  if (/[A-Z]/.test(value)) return `ZZ${draw.int(10)} ${draw.int(10)}ZZ`;
  const digits = digitsOf(value);
  const lead = digits.length === 7 ? "000" : `00${draw.int(5)}`;
  return withDigits(value, lead + draw.digits(digits.length - 3));
}

/** Addresses of Japan. */
export const japaneseAddress: Detector = {
  kind: "address",
  needs: HAS.place,
  find: findJapanese,
  identity: (value) => value.replace(/\s/g, ""),
  surrogate: otherJapanese,
};

/** Addresses of the United States and the United Kingdom. */
export const street: Detector = {
  kind: "address",
  needs: HAS.digit | HAS.latin,
  find: findStreets,
  identity: (value) => value.toLowerCase().replace(/[\s,.]+/g, " "),
  surrogate: otherStreet,
};

export const postalCode: Detector = {
  kind: "postal-code",
  needs: HAS.number,
  aroundNumbers: true,
  find: findPostalCodes,
  surrogate: otherPostalCode,
};

/** Of the United Kingdom. */
export const postcode: Detector = {
  kind: "postal-code",
  needs: HAS.mixed,
  find: findPostcodes,
  surrogate: otherPostalCode,
};

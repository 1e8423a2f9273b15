/** @file Personal values as people, banks and states write them, written from how the numbers are made, and of no
 *  detector: nothing here is read by src/redact, nor the other way round. Everything is drawn; what belongs to somebody does so by chance. */
import type { Random } from "../src/random.js";

/** A value of a kind and the sentence that it stands in, `{}` marking its place. */
export interface Planted {
  readonly kind: string;
  readonly value: string;
  readonly frame: string;
}

export type Language = "ja" | "en";

export type Maker = (random: Random) => string;

export const pick = <T>(random: Random, list: readonly T[]): T => {
  const value = list[random.int(list.length)];
  if (value === undefined) throw new RangeError("an empty list");
  return value;
};

/** Each # becomes a digit, each § one from 1 to 9, each ¤ a capital. */
export function filled(random: Random, mask: string): string {
  return mask.replace(/[#§¤]/g, (sign) => {
    if (sign === "#") return String(random.int(10));
    return sign === "§" ? String(1 + random.int(9)) : String.fromCharCode(65 + random.int(26));
  });
}

export const masks =
  (...list: readonly string[]): Maker =>
  (random) =>
    filled(random, pick(random, list));

/** Full-width as it is typed on Japanese keyboards; hyphens in one of their forms. */
function wide(random: Random, text: string): string {
  const hyphen = pick(random, ["－", "ー", "‐", "−", "-"]);
  return text.replace(/[!-~]/g, (unit) => (unit === "-" ? hyphen : String.fromCharCode(unit.charCodeAt(0) + 0xfee0)));
}

const sometimesWide =
  (make: Maker): Maker =>
  (random) => {
    const text = make(random);
    return random.int(6) === 0 ? wide(random, text) : text;
  };

const oneOf =
  (...makers: readonly Maker[]): Maker =>
  (random) =>
    pick(random, makers)(random);

export function random62(random: Random, length: number, more = ""): string {
  const signs = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${more}`;
  return Array.from({ length }, () => signs[random.int(signs.length)]).join("");
}

// E-mail.

const ROMAN =
  "taro|hanako|k.sato|yamada|m_suzuki|ito-ken|john.smith|a.jones|maria|o'neil|lee+shop|chen88|x|info2".split("|");
const HOSTS = "kaisha|hokkai-bank|acme-corp|mail.tokyodenki|univ-kita|nordwind|smallshop|dev.cloudy".split("|");
const email =
  (tops: readonly string[]): Maker =>
  (random) => {
    const local = pick(random, ROMAN) + (random.int(3) === 0 ? String(random.int(1000)) : "");
    const address = `${local}@${pick(random, HOSTS)}.${pick(random, tops)}`;
    return random.int(8) === 0 ? address.toUpperCase() : address;
  };

// Telephone.

const JAPANESE_AREA = "03|06|011|022|045|052|075|078|082|092|0422|0465|0742|0967|0996|04992".split("|");
function landline(random: Random): string {
  const area = pick(random, JAPANESE_AREA);
  const exchange = filled(random, `§${"#".repeat(5 - area.length)}`);
  const line = filled(random, "####");
  return pick(random, [
    `${area}-${exchange}-${line}`,
    `${area}-${exchange}-${line}`,
    `(${area})${exchange}-${line}`,
    `${area}(${exchange})${line}`,
    `${area} ${exchange} ${line}`,
    `+81-${area.slice(1)}-${exchange}-${line}`,
  ]);
}
const mobile: Maker = (random) => {
  const lead = pick(random, ["070", "080", "090"]);
  return filled(
    random,
    pick(random, [
      `${lead}-§###-####`,
      `${lead}-§###-####`,
      `${lead}§#######`,
      `${lead} §### ####`,
      `+81 ${lead.slice(1)}-§###-####`,
      `+81${lead.slice(1)}§#######`,
    ]),
  );
};
const telephoneJa = sometimesWide(
  oneOf(
    landline,
    mobile,
    mobile,
    masks("0120-###-###", "0800-###-####", "050-§###-####", "03.§###.####", "０９０(§###)####", "0120 ### ###"),
  ),
);
function american(random: Random): string {
  const [area, exchange] = [
    `${2 + random.int(8)}${random.int(9)}${random.int(10)}`,
    `${2 + random.int(8)}${filled(random, "##")}`,
  ];
  const line = filled(random, "####");
  return pick(random, [
    `(${area}) ${exchange}-${line}`,
    `${area}-${exchange}-${line}`,
    `${area}.${exchange}.${line}`,
    `${area} ${exchange} ${line}`,
    `+1 ${area} ${exchange} ${line}`,
    `+1-${area}-${exchange}-${line}`,
    `1-${area}-${exchange}-${line}`,
    `+1 (${area}) ${exchange}-${line}`,
  ]);
}
const british = masks(
  "020 7### ####",
  "07### ######",
  "01### ######",
  "0161 ### ####",
  "+44 20 7### ####",
  "+44 7### ######",
  "+44 (0)20 7### ####",
);
const elsewhere = masks(
  "+33 6 ## ## ## ##",
  "+49 30 ########",
  "+86 138 #### ####",
  "+82 10-####-####",
  "+65 6### ####",
  "+61 4## ### ###",
  "+91 98### #####",
  "+34 6## ### ###",
);
const telephoneEn = oneOf(american, american, british, elsewhere);

// Addresses.

const KANJI_DIGITS = "〇一二三四五六七八九";
const inKanji = (number: number): string =>
  number < 10 ? (KANJI_DIGITS[number] ?? "") : `十${number % 10 === 0 ? "" : (KANJI_DIGITS[number % 10] ?? "")}`;
const PLACES = [
  ["東京都", "港区", "芝公園"],
  ["東京都", "千代田区", "丸の内"],
  ["東京都", "世田谷区", "三軒茶屋"],
  ["東京都", "武蔵野市", "吉祥寺本町"],
  ["神奈川県", "横浜市西区", "みなとみらい"],
  ["神奈川県", "川崎市中原区", "小杉町"],
  ["大阪府", "大阪市北区", "梅田"],
  ["大阪府", "堺市堺区", "南瓦町"],
  ["京都府", "京都市左京区", "吉田本町"],
  ["愛知県", "名古屋市中区", "三の丸"],
  ["福岡県", "福岡市博多区", "博多駅前"],
  ["埼玉県", "さいたま市大宮区", "桜木町"],
  ["千葉県", "市川市", "八幡"],
  ["兵庫県", "神戸市中央区", "加納町"],
  ["広島県", "広島市中区", "基町"],
  ["宮城県", "仙台市青葉区", "国分町"],
  ["沖縄県", "那覇市", "泉崎"],
  ["長野県", "北佐久郡軽井沢町", "大字長倉"],
  ["茨城県", "つくば市", "天王台"],
  ["岐阜県", "大野郡白川村", "荻町"],
] as const;
const BUILDINGS = "サンシャイン|メゾン青葉|コーポ山田|第二ビル|グランドハイツ|パークタワー".split("|");
function lot(random: Random): string {
  const [a, b, c] = [1 + random.int(9), 1 + random.int(30), 1 + random.int(30)];
  return pick(random, [
    `${a}-${b}-${c}`,
    `${a}-${b}-${c}`,
    `${a}丁目${b}番${c}号`,
    `${inKanji(a)}丁目${b}番${c}号`,
    `${inKanji(a)}丁目${inKanji(b)}番${inKanji(c)}号`,
    `${a}丁目${b}-${c}`,
    `${b * 10}番地`,
    `${b * 10}番地の${c}`,
    `${b}-${c}`,
  ]);
}
function addressJa(random: Random): string {
  if (random.int(12) === 0)
    return `北海道札幌市${pick(random, ["中央区", "北区"])}${pick(random, ["北", "南"])}${1 + random.int(20)}条西${1 + random.int(20)}丁目${random.int(2) === 0 ? "" : `${1 + random.int(9)}-${1 + random.int(20)}`}`;
  const [prefecture, city, town] = pick(random, PLACES);
  const head = random.int(4) === 0 ? city : `${prefecture}${random.int(8) === 0 ? " " : ""}${city}`;
  const building =
    random.int(4) === 0
      ? `${pick(random, ["", " ", "　"])}${pick(random, BUILDINGS)}${1 + random.int(9)}0${1 + random.int(9)}${pick(random, ["", "号室"])}`
      : "";
  const text = `${head}${town}${lot(random)}${building}`;
  return random.int(6) === 0 ? wide(random, text) : text;
}
const STREET_NAMES =
  "Main|Oak|Maple|Elm|Washington|Martin Luther King|Lake View|Mill|Church|St. James|O'Farrell|Sunset|42nd|3rd|King George".split(
    "|",
  );
const STREET_KINDS =
  "Street|St|St.|Avenue|Ave|Ave.|Road|Rd|Boulevard|Blvd.|Lane|Ln|Drive|Dr.|Court|Way|Place|Terrace".split("|");
const AMERICAN_CITIES =
  "Springfield, IL|San Francisco, CA|New York, NY|Austin, TX|Portland, OR|Salt Lake City, UT|Boston, MA".split("|");
const POSTCODES = "SW1A #AA|M# #BD|EC#A #DT|LS## #PQ|B## #TH|EH# #YL|CF## #AG|G# #RS".split("|");
function addressEn(random: Random): string {
  const street = `${1 + random.int(random.int(2) === 0 ? 99 : 9999)} ${random.int(5) === 0 ? `${pick(random, ["N", "S.", "West", "E"])} ` : ""}${pick(random, STREET_NAMES)} ${pick(random, STREET_KINDS)}`;
  const unit =
    random.int(4) === 0
      ? `, ${pick(random, ["Apt", "Suite", "Unit", "#"])}${pick(random, [" ", " ", ""])}${1 + random.int(40)}${random.int(3) === 0 ? "B" : ""}`
          .replace("#", "# ")
          .replace("  ", " ")
          .replace(/(Apt|Suite|Unit)(?=\d)/, "$1 ")
      : "";
  const rest = random.int(10);
  if (rest < 4) return street + unit;
  if (rest < 8)
    return `${street}${unit}, ${pick(random, AMERICAN_CITIES)} ${filled(random, random.int(4) === 0 ? "§####-####" : "§####")}`;
  return `${street}, ${pick(random, ["London", "Leeds", "Cardiff", "Edinburgh"])} ${filled(random, pick(random, POSTCODES).replaceAll("#", "§"))}`;
}

// Numbers with check digits.

function luhn(body: string): string {
  let sum = 0;
  [...body].reverse().forEach((digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return body + String((10 - (sum % 10)) % 10);
}
function cardNumber(random: Random): string {
  const [mask, groups] = pick(random, [
    ["4##############", [4, 4, 4, 4]],
    ["51#############", [4, 4, 4, 4]],
    ["2221###########", [4, 4, 4, 4]],
    ["37############", [4, 6, 5]],
    ["3528###########", [4, 4, 4, 4]],
    ["6011###########", [4, 4, 4, 4]],
    ["36###########", [4, 6, 4]],
  ] as const);
  const digits = luhn(filled(random, mask));
  const between = pick(random, [" ", " ", "-", ""]);
  let at = 0;
  return groups.map((length) => digits.slice(at, (at += length))).join(between);
}
function mod97(text: string): number {
  return Number(BigInt([...text].map((sign) => Number.parseInt(sign, 36).toString()).join("")) % 97n);
}
function ibanNumber(random: Random): string {
  const [country, mask] = pick(random, [
    ["DE", "##################"],
    ["GB", "¤¤¤¤##############"],
    ["FR", "##########¤¤#########00"],
    ["NL", "¤¤¤¤##########"],
    ["ES", "####################"],
    ["IT", "¤######################"],
    ["CH", "#################"],
    ["BE", "############"],
    ["SE", "####################"],
  ] as const);
  const account = filled(random, mask);
  const check = String(98 - mod97(`${account}${country}00`)).padStart(2, "0");
  const iban = country + check + account;
  return random.int(2) === 0 ? iban : iban.replace(/(.{4})(?=.)/g, "$1 ");
}
function myNumber(random: Random): string {
  const body = filled(random, "###########");
  const weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
  const rest = weights.reduce((sum, weight, i) => sum + weight * Number(body[i]), 0) % 11;
  const digits = body + String(rest <= 1 ? 0 : 11 - rest);
  const between = pick(random, [" ", "-", "", "-"]);
  return digits.replace(/(\d{4})(?=\d)/g, `$1${between}`);
}
function ssnNumber(random: Random): string {
  const area = 1 + random.int(898);
  const digits = [String(area === 666 ? 665 : area).padStart(3, "0"), filled(random, "#§"), filled(random, "##§#")];
  return digits.join("-");
}

// Machines and keys.

const octets = (random: Random): string =>
  `${pick(random, [8, 18, 52, 91, 103, 172, 192, 203])}.${random.int(256)}.${random.int(256)}.${1 + random.int(254)}`;
function ip6(random: Random): string {
  const group = (): string => random.int(65_536).toString(16);
  return pick(random, [
    () => `2001:${group()}:${group()}::${1 + random.int(9)}`,
    () => `2400:4050:${Array.from({ length: 6 }, group).join(":")}`,
    () => `fe80::${group()}:${group()}:${1 + random.int(9)}${random.int(4096).toString(16)}`,
  ])();
}
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const keyValue: Maker = (random) =>
  pick<() => string>(random, [
    () => `sk-${random62(random, 48)}`,
    () => `sk-proj-${random62(random, 64, "-_")}`.replace(/[-_]$/, "x"),
    () => `sk-ant-api03-${random62(random, 80)}AA`,
    () => `ghp_${random62(random, 36)}`,
    () => `github_pat_${random62(random, 22)}_${random62(random, 59)}`,
    () => `AKIA${random62(random, 16).toUpperCase()}`,
    () => `xoxb-${filled(random, "############-############")}-${random62(random, 24)}`,
    () => `AIza${random62(random, 35)}`,
    () => `hf_${random62(random, 34)}`,
    () => `glpat-${random62(random, 20)}`,
    () => `sk_live_${random62(random, 24)}`,
    () => `SG.${random62(random, 22)}.${random62(random, 43)}`,
    () =>
      `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url({ sub: random.int(1e9), iat: 1_700_000_000 })}.${random62(random, 43)}`,
    () => random62(random, 40, "+/").replace(/^[+/]|[+/]$/g, "k"),
    () => random62(random, 32),
    () => random62(random, 64),
  ])();

// The sentences.

type Frames = Readonly<Record<Language, readonly string[]>>;
export interface KindSource {
  readonly kind: string;
  readonly make: Readonly<Record<Language, Maker>>;
  readonly frames: Frames;
}

export const SOURCES: readonly KindSource[] = [
  {
    kind: "email",
    make: {
      ja: sometimesWide(email(["co.jp", "ne.jp", "ac.jp", "jp", "com"])),
      en: email(["com", "org", "net", "co.uk", "io", "de", "edu"]),
    },
    frames: {
      ja: ["メールアドレスは{}です。", "{}までご連絡ください。", "登録メール：{}", "連絡先「{}」に送って", "{}"],
      en: ["My email is {}.", "Please write to {} today", "(mail: {})", "<{}>", "{}", "contact:{}, thanks"],
    },
  },
  {
    kind: "telephone",
    make: { ja: telephoneJa, en: telephoneEn },
    frames: {
      ja: ["電話番号は{}です。", "{}に電話してください", "TEL:{}", "携帯 {}", "（{}）までお願いします。", "{}"],
      en: ["My number is {}.", "Call me at {} please", "phone: {}", "Tel. {}", "you can reach me on {}, thanks", "{}"],
    },
  },
  {
    kind: "address",
    make: { ja: addressJa, en: addressEn },
    frames: {
      ja: ["住所は{}です。", "{}に送ってください。", "送付先：{}", "引っ越し先は{}、よろしくお願いします。", "{}"],
      en: ["I live at {}.", "Ship it to {}", "Address: {}", "my new address is {}, please update it", "{}"],
    },
  },
  {
    kind: "postal-code",
    make: {
      ja: sometimesWide(masks("§##-####")),
      en: oneOf(
        masks("§####", "§####-####"),
        masks("SW1A §AA", "M§ §BD", "LS§§ §PQ", "EH§ §YL", "B§§ §TH", "EC§A §DT"),
      ),
    },
    frames: {
      ja: ["郵便番号は{}です。", "〒{}", "〒{} ", "郵便番号：{}"],
      en: ["My zip code is {}.", "ZIP: {}", "postal code {}", "the postcode is now {}"],
    },
  },
  {
    kind: "card",
    make: { ja: sometimesWide(cardNumber), en: cardNumber },
    frames: {
      ja: ["カード番号は{}です。", "{}の請求について", "クレジットカード：{}", "{}"],
      en: ["my card number is {}.", "Card: {}", "I was charged on {} twice", "{} exp 09/27", "{}"],
    },
  },
  {
    kind: "bank-account",
    make: {
      ja: sometimesWide(masks("#######")),
      en: masks("########", "##########", "####-####-####", "00##########"),
    },
    frames: {
      ja: [
        "普通 {} に振り込んでください。",
        "口座番号は{}です。",
        "みなと支店 普通預金 {}",
        "当座 {}",
        "普通口座：{}",
        "口座番号 {}",
      ],
      en: [
        "my account number is {}.",
        "Account No. {}",
        "acct # {}",
        "Account number: {}",
        "bank account {} please",
        "a/c no {}",
      ],
    },
  },
  {
    kind: "iban",
    make: { ja: ibanNumber, en: ibanNumber },
    frames: {
      ja: ["IBANは{}です。", "送金先 {}", "{}"],
      en: ["My IBAN is {}.", "IBAN: {}", "send it to {} please", "{}"],
    },
  },
  {
    kind: "my-number",
    make: { ja: sometimesWide(myNumber), en: myNumber },
    frames: {
      ja: ["マイナンバーは{}です。", "個人番号：{}", "{}", "番号は{}になります"],
      en: ["My Number is {}.", "individual number {}", "{}"],
    },
  },
  {
    kind: "ssn",
    make: { ja: ssnNumber, en: ssnNumber },
    frames: {
      ja: ["SSNは{}です。", "米国の社会保障番号 {}", "{}"],
      en: ["my SSN is {}.", "Social Security Number: {}", "{}", "ssn {} please"],
    },
  },
  {
    kind: "ip",
    make: { ja: oneOf(octets, octets, ip6), en: oneOf(octets, octets, ip6) },
    frames: {
      ja: ["IPアドレスは{}です。", "{}からのアクセス", "接続元：{}", "{}"],
      en: ["my IP is {}.", "login from {} failed", "client={} status=403", "host {} is down", "{}"],
    },
  },
  {
    kind: "key",
    make: { ja: keyValue, en: keyValue },
    frames: {
      ja: ["APIキーは{}です。", "トークン：{}", "{} を使っています", "{}"],
      en: ["my key is {}.", "OPENAI_API_KEY={}", "Authorization: Bearer {}", 'token = "{}"', "{}"],
    },
  },
];

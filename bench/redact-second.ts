/** @file A second, independent set of planted values for the detectors of personal data: other writers, other carriers (letters, transcripts, log
 *  lines, forms, tables, JSON), other layouts than `redact-values.ts`, and hard negatives. Written from how people and programs write; nothing
 *  here is read by src/redact or by the first generator. Everything is drawn. */
import { createRandom, type Random } from "../src/random.js";
import {
  between,
  digit,
  digits,
  of,
  one,
  shaped,
  wide,
  withLuhn,
  BASE36,
  BASE62,
  HEX,
  LOWER,
  type Draw,
  type Language,
} from "./redact-draws.js";
import type { LabelledCase, LabelledValue } from "./redact-cases.js";
import { NEGATIVES } from "./redact-second-negatives.js";

const email: Draw = (random) => {
  const who = one(random, [
    "keiko",
    "r.nakagawa",
    "sven_olsen",
    "maria-jose",
    "t-abe",
    "j.d.salinger",
    "hr",
    "po+news",
    "a1b2",
    "takeshi.m",
  ]);
  const where = one(random, [
    "nordlys-mail",
    "hikari-kk",
    "uni-bonn",
    "kyoto-net",
    "brightbyte",
    "mx1.posteo-like",
    "firma24",
  ]);
  const address = `${who}${random.int(2) === 0 ? between(random, 1, 99) : ""}@${where}.${one(random, ["de", "jp", "ne.jp", "co.uk", "io", "com", "org", "gov", "ac.jp", "shop"])}`;
  return random.int(12) === 0 ? wide(address) : address;
};

const telephones: Readonly<Record<Language, Draw>> = {
  ja: (random) => {
    const number = shaped(
      random,
      one(random, [
        "090-%###-####",
        "080 %### ####",
        "070########",
        "03-%###-####",
        "(06)%###-####",
        "0120-%##-###",
        "045(%##)####",
        "+81-90-%###-####",
        "+81 3 %### ####",
      ]),
    );
    return random.int(6) === 0 ? wide(number) : number;
  },
  en: (random) =>
    shaped(
      random,
      one(random, [
        "(415) 5%#-####",
        "617-5%#-####",
        "1-808-5%#-####",
        "+1 (212) 5%#-####",
        "07%## ######",
        "020 7%## ####",
        "+44 7%## ######",
        "+49 151 ########",
        "718.5%#.####",
      ]),
    ),
};

const TOWNS = [
  "丸の内",
  "西新宿",
  "日本橋室町",
  "大手町",
  "六本木",
  "神南",
  "梅田",
  "紙屋町",
  "天神",
  "本町",
  "駅前本町",
  "みなとみらい",
  "北沢",
  "池袋",
];
const WARDS = [
  "千代田区",
  "新宿区",
  "港区",
  "大阪市北区",
  "横浜市西区",
  "名古屋市中区",
  "福岡市博多区",
  "広島市中区",
  "川崎市川崎区",
  "世田谷区",
  "仙台市青葉区",
  "藤沢市",
  "八王子市",
  "さいたま市大宮区",
];
const japaneseAddress: Draw = (random) => {
  const [a, b, c] = [between(random, 1, 9), between(random, 1, 28), between(random, 1, 40)];
  const lot = one(random, [
    `${a}-${b}-${c}`,
    `${a}-${b}-${c}`,
    `${a}丁目${b}番${c}号`,
    `${a}丁目${b}-${c}`,
    `${a}-${b}`,
    `${b}番地${c}`,
    `${a}丁目${b}番地`,
  ]);
  const prefecture = one(random, ["", "", "", "東京都", "大阪府", "神奈川県"]);
  const building = one(random, ["", "", "", `コーポ緑${between(random, 101, 405)}`, `　第二ビル${a}階`]);
  const address = `${prefecture}${one(random, WARDS)}${one(random, TOWNS)}${lot}`;
  return (random.int(3) === 0 ? wide(address) : address) + building;
};

const NAMES = [
  "Maple",
  "Kings",
  "Harbour",
  "Deer Creek",
  "Old Mill",
  "St. Mary's",
  "Queen Anne",
  "Lincoln",
  "Victoria",
  "MLK Jr",
  "Sycamore",
  "Church",
  "Railway",
  "Elm",
];
const CITIES_US = ["Portland, OR", "Austin, TX", "Palo Alto, CA", "New York, NY", "Boise, ID", "Tampa, FL"];
const CITIES_UK = ["Leeds", "Bristol", "Milton Keynes", "Stoke-on-Trent", "London"];
const englishAddress: Draw = (random) => {
  const house = one(random, [
    between(random, 1, 99),
    between(random, 100, 9999),
    `${between(random, 1, 200)}${one(random, ["A", "b"])}`,
    `${between(random, 1, 40)}-${between(random, 41, 90)}`,
  ]);
  const street = `${house} ${one(random, NAMES)} ${one(random, ["Street", "St", "Avenue", "Ave.", "Road", "Rd", "Lane", "Drive", "Blvd", "Court", "Way", "Parkway", "Place", "Terrace"])}`;
  const british = `${house} ${one(random, NAMES)} ${one(random, ["Row", "Walk", "Hill", "Green", "Quay", "Rise", "View", "Park", "Wharf", "Close", "Mews", "Crescent"])}`;
  const zip = `${between(random, 1, 9)}${digits(random, 4)}`;
  const post = shaped(
    random,
    one(random, ["BS% #AA", "LS%# %AA", "SW%A %AA", "MK% #AA", "NW% #AA"]).replaceAll(
      "AA",
      one(random, ["JX", "TH", "QL", "ED"]),
    ),
  );
  return one(random, [
    street,
    `${street}, Apt ${between(random, 1, 40)}${one(random, ["", "B"])}`,
    `${street}, ${one(random, CITIES_US)} ${zip}`,
    `${street} #${between(random, 1, 400)}, ${one(random, CITIES_US)} ${zip}-${digits(random, 4)}`,
    `${house} ${one(random, ["N", "South", "W."])} ${between(random, 1, 9)}4th St, ${one(random, CITIES_US)} ${zip}`,
    `${street}, ${one(random, CITIES_UK)} ${post}`,
    `${british}, ${one(random, CITIES_UK)}, ${post}`,
    `Flat ${between(random, 1, 60)}, ${british}, ${one(random, CITIES_UK)} ${post}`,
    `${street}\n${one(random, CITIES_US)} ${zip}`,
    `${street}\n${one(random, CITIES_UK)}\n${post}`,
    `PO Box ${between(random, 10, 9999)}`,
    `${street} ${one(random, ["NW", "SE"])}`,
  ]);
};

const card: Draw = (random) => {
  const lead = one(random, ["4", "51", "54", "2221", "37", "3528", "6011"]);
  const length = lead === "37" ? 15 : 16;
  const number = withLuhn(lead + digits(random, length - lead.length - 1));
  const groups =
    length === 15 ? [number.slice(0, 4), number.slice(4, 10), number.slice(10)] : (number.match(/.{4}/g) ?? []);
  return one(random, [number, groups.join(" "), groups.join("-"), groups.join(" ")]);
};

const iban: Draw = (random) => {
  const [country, body] = one(random, [
    ["DE", digits(random, 18)],
    ["FR", `${digits(random, 10)}${of(random, "0123456789ABC", 11)}${digits(random, 2)}`],
    ["NL", `${of(random, "ABNRO", 4)}${digits(random, 10)}`],
    ["GB", `${of(random, "BARCLYMID", 4)}${digits(random, 14)}`],
    ["CH", digits(random, 17)],
  ] as const);
  const numbers = [...`${body}${country}00`].map((sign) => Number.parseInt(sign, 36)).join("");
  let rest = 0;
  for (const sign of numbers) rest = (rest * 10 + Number(sign)) % 97;
  const value = `${country}${String(98 - rest).padStart(2, "0")}${body}`;
  return random.int(2) === 0 ? value : value.replace(/(.{4})(?=.)/g, "$1 ");
};

const myNumber: Draw = (random) => {
  const body = digits(random, 11);
  const sum = [...body].reverse().reduce((total, sign, i) => total + Number(sign) * (i < 6 ? i + 2 : i - 4), 0);
  const check = sum % 11 <= 1 ? 0 : 11 - (sum % 11);
  return one(random, [
    `${body}${check}`,
    `${body}${check}`.replace(/(.{4})(?=.)/g, "$1 "),
    `${body}${check}`.replace(/(.{4})(?=.)/g, "$1-"),
  ]);
};

const ssn: Draw = (random) => `${between(random, 100, 599)}-${between(random, 10, 99)}-${between(random, 1000, 9999)}`;
const spacedSsn: Draw = (random) => ssn(random).replaceAll("-", one(random, [" ", "", ".", "-"]));

const ip: Draw = (random) =>
  one(random, [
    `${between(random, 11, 126)}.${between(random, 0, 255)}.${between(random, 0, 255)}.${between(random, 1, 254)}`,
    `192.168.${between(random, 0, 20)}.${between(random, 2, 254)}`,
    `10.${between(random, 0, 255)}.${between(random, 0, 20)}.${between(random, 2, 254)}`,
    `2a02:${of(random, HEX, 3)}1:${of(random, HEX, 2)}2::${of(random, HEX, 3)}4`,
    `fe80::${of(random, HEX, 4)}:${of(random, HEX, 3)}7:${of(random, HEX, 4)}:${of(random, HEX, 4)}`,
  ]);

const key: Draw = (random) =>
  one(random, [
    of(random, BASE62, 40),
    `${of(random, `${BASE62}+/`, 39)}${of(random, BASE62, 1)}`,
    of(random, BASE36, 40),
    of(random, BASE36, 32),
    of(random, `${LOWER.toUpperCase()}234567`, 32),
    `sk-proj-${of(random, BASE62, 48)}`,
    `xoxb-${digits(random, 12)}-${of(random, BASE62, 24)}`,
    `AKIA${of(random, `${LOWER.toUpperCase()}234567`, 16)}`,
    `glpat-${of(random, BASE62, 20)}`,
  ]);

interface Source {
  readonly kind: string;
  readonly make: Readonly<Record<Language, Draw>>;
  /** Sentences with {} for the value. */
  readonly frames: Readonly<Record<Language, readonly string[]>>;
}

const both = (make: Draw): Readonly<Record<Language, Draw>> => ({ ja: make, en: make });

const SOURCES: readonly Source[] = [
  {
    kind: "email",
    make: both(email),
    frames: {
      ja: ["{}までご返信ください", "差出人：{}", "メアドは{}に変わりました", "<{}>"],
      en: ["Reply-To: <{}>", "you can write to {}.", "mailto:{}", "cc {}, please"],
    },
  },
  {
    kind: "telephone",
    make: telephones,
    frames: {
      ja: ["TEL：{}", "折り返しは{}まで", "携帯 {} です", "tel:{}"],
      en: ["Tel: {}", "ring me on {} after six", "Callback number {}", "my cell is {}."],
    },
  },
  {
    kind: "address",
    make: { ja: japaneseAddress, en: englishAddress },
    frames: {
      ja: ["届け先：{}", "{}に引っ越しました", "住所は{}です。", "{}までお願いします", "本社（{}）"],
      en: ["Ship to: {}", "I now live at {}.", "our office, {}, is closed", "deliver it to {} please", "Address: {}"],
    },
  },
  {
    kind: "postal-code",
    make: {
      ja: (random) => shaped(random, one(random, ["〒%##-####", "〒%######"])),
      en: (random) =>
        one(random, [
          `${digit(random, 1)}${digits(random, 4)}`,
          `${digit(random, 1)}${digits(random, 4)}-${digits(random, 4)}`,
        ]),
    },
    frames: { ja: ["{} 東京都", "郵便物は{}宛てに", "{}"], en: ["zip code {}", "ZIP: {}", "my postal code is {}"] },
  },
  {
    kind: "card",
    make: both(card),
    frames: {
      ja: ["カード番号{}で払いました", "クレカ：{}", "{} の有効期限は来月です"],
      en: ["card {} exp 09/27", "I paid with {}", "Visa {} was declined", "PAN={}"],
    },
  },
  {
    kind: "bank-account",
    make: {
      ja: (random) => shaped(random, one(random, ["%######", "#######"])),
      en: (random) => shaped(random, one(random, ["%#######", "%########", "%#-##-##", "%### ####"])),
    },
    frames: {
      ja: ["振込先は普通 {} です", "口座番号：{}", "当座預金 {}", "普通口座{}へ"],
      en: ["account number {}", "Acct no: {}", "my account number is {}", "sort code {}"],
    },
  },
  {
    kind: "iban",
    make: both(iban),
    frames: { ja: ["IBANは{}です", "送金先 {}", "{}"], en: ["IBAN {}", "transfer to {} today", "{}"] },
  },
  {
    kind: "my-number",
    make: both(myNumber),
    frames: {
      ja: ["マイナンバーは{}です", "個人番号：{}", "{} を提出しました"],
      en: ["My Number: {}", "individual number {} (Japan)", "{} is on the card"],
    },
  },
  {
    kind: "ssn",
    make: { ja: ssn, en: ssn },
    frames: {
      ja: ["米国の社会保障番号は{}です", "SSN：{}", "{} を登録してください"],
      en: [
        "{}",
        "it is {} and I was born in 1980",
        "my number's {}",
        "W-2 for {} is missing",
        "taxpayer {}",
        "applicant {}, approved",
        "employee ID {}",
        "patient id: {}",
      ],
    },
  },
  {
    kind: "ssn",
    make: { ja: ssn, en: spacedSsn },
    frames: {
      ja: ["社会保障番号 {}"],
      en: [
        "my social is {}",
        "SS# {}",
        "social: {}",
        "Social Security Number (SSN): {}",
        "social security no. is {}",
        "TIN {}",
        "taxpayer id {}",
      ],
    },
  },
  {
    kind: "ip",
    make: both(ip),
    frames: {
      ja: ["{} からのアクセス", "IPは{}でした", "接続元：{}", "サーバー {} が応答しない"],
      en: [
        "login from {}",
        "client={} status=200",
        "ping {} times out",
        "blocked host {}",
        "the server {} is down",
        "{} - - [10/Oct/2025]",
      ],
    },
  },
  {
    kind: "key",
    make: both(key),
    frames: {
      ja: ["キーは{}です", "これが漏れました：{}", "export KEY={}"],
      en: ["the key is {}", "export TOKEN={}", "leaked: {}", "Authorization: Bearer {}", "{}"],
    },
  },
];

/** Texts around a sentence, {} for its place. */
const CARRIERS: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "{}",
    "Hello team,\n\n{}\n\nBest regards\nJo",
    "[14:02] Agent: how can I help?\n[14:03] Customer: {}\n[14:03] Agent: thanks",
    '{"level":"info","msg":"{}","n":3}',
    "| field | value |\n|---|---|\n| note | {} |",
    "2025-03-01T10:15:00Z INFO worker-c {}",
    "name;note;rank\nJo;{};2",
    "> {}\n\nI never got an answer to this.",
    "FYI — {} — since Tuesday!!",
    "Subject: Re: Re: my case\n{}\nSent from my phone",
  ],
  ja: [
    "{}",
    "お世話になっております。\n{}\n何卒よろしくお願いいたします。",
    "オペレーター：ご用件は何でしょうか。\nお客様：{}\nオペレーター：承知しました。",
    '{"種別":"問い合わせ","本文":"{}","件数":2}',
    "項目,内容\n備考,{}\n",
    "・{}\n・至急お願いします",
    "【要対応】{}（昨日から）",
    "件名：Re: ご連絡\n{}\n以上",
  ],
};

function cased(
  random: Random,
  language: Language,
  sentence: string,
  at: number,
  value: string,
  kind: string,
): LabelledCase {
  const carrier = one(random, CARRIERS[language]);
  const isJson = carrier.startsWith('{"');
  const written = isJson ? sentence.replaceAll("\n", "\\n") : sentence;
  const shown = isJson ? value.replaceAll("\n", "\\n") : value;
  const head = carrier.indexOf("{}");
  const start = head + (isJson ? sentence.slice(0, at).replaceAll("\n", "\\n").length : at);
  const text = carrier.slice(0, head) + written + carrier.slice(head + 2);
  const values: readonly LabelledValue[] = kind === "" ? [] : [{ kind, start, end: start + shown.length }];
  return { language, text, values };
}

/** So many texts for each source and language, and as many for each source that hold nothing. The same seed gives the same texts. */
export function makeSecondCases(seed: number, perKind: number): LabelledCase[] {
  const random = createRandom(seed, "second redact cases");
  const cases: LabelledCase[] = [];
  for (const language of ["ja", "en"] as const) {
    for (const { kind, make, frames } of SOURCES) {
      for (let i = 0; i < perKind; i++) {
        const value = make[language](random);
        const frame = one(random, frames[language]);
        const at = frame.indexOf("{}");
        cases.push(cased(random, language, frame.slice(0, at) + value + frame.slice(at + 2), at, value, kind));
      }
    }
    for (let i = 0; i < SOURCES.length * perKind; i++)
      cases.push(cased(random, language, one(random, NEGATIVES[language])(random), 0, "", ""));
  }
  return cases;
}

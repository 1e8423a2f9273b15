/** @file Hard negatives of the second set: what looks like personal data and is none, as programs and people write it. */
import { between, digit, digits, of, one, shaped, withLuhn, HEX, type Draw, type Language } from "./redact-draws.js";

/** What looks like a value and is none. */
export const NEGATIVES: Readonly<Record<Language, readonly Draw[]>> = {
  en: [
    (random) =>
      `${one(random, ["icon", "logo", "hero-banner", "img_01"])}@${between(random, 2, 3)}x.${one(random, ["png", "jpg", "webp", "svg", "gif"])}`,
    (random) =>
      `npm i ${one(random, ["react", "lodash", "@types/node"])}@${between(random, 1, 20)}.${digit(random)}.${digit(random)}`,
    () => "git clone git@github.com:acme/tools.git",
    (random) => `${one(random, ["see", "our", "your", "the"])} reference ${withLuhn(`4${digits(random, 14)}`)}`,
    (random) =>
      `${one(random, ["order", "Order no.", "booking ref", "confirmation number", "tracking", "transaction id", "case"])} ${withLuhn(`${one(random, ["4", "51", "6011", "37"])}${digits(random, 13)}`.slice(0, 15))}`,
    (random) =>
      `${one(random, ["version", "Version:", "firmware", "app", "updated to", "release", "driver", "build", "upgraded from 1.2.0.1 to", "Windows client", "plugin", "we run SDK"])} ${between(random, 1, 20)}.${digit(random)}.${between(random, 0, 30)}.${between(random, 0, 200)}`,
    (random) => `libssl-${between(random, 1, 3)}.${digit(random)}.${digit(random)}.${digit(random)}.tar.gz`,
    (random) =>
      `${one(random, ["section", "clause", "see chapter", "§"])} ${between(random, 1, 9)}.${digit(random, 1)}.${digit(random, 1)}.${digit(random, 1)}`,
    (random) => `commit ${of(random, HEX, 40)}`,
    (random) => `${one(random, ["sha256:", "digest ", "md5 ", "etag "])}${of(random, HEX, one(random, [32, 64]))}`,
    (random) => `checksum ${of(random, HEX, 40).toUpperCase()}`,
    (random) => `session ${[8, 4, 4, 4, 12].map((length) => of(random, HEX, length)).join("-")}`,
    () => "https://shop.example/en/products/the-very-long-name-of-a-product-with-many-words-2024",
    () => "processCustomerOrderAndSendConfirmationEmailV2",
    () => "customer_support_ticket_classification_dataset_final_v3",
    (random) => `part ${shaped(random, "%##-##-####")}`,
    (random) => `serial number ${shaped(random, "%##-##-####")}`,
    (random) =>
      `the score was ${between(random, 1, 9)}-${between(random, 1, 9)}, ${between(random, 10, 99)} minutes in`,
    (random) => `${between(random, 2, 20)} Way Points were missing on the drive`,
    (random) => `I walked ${between(random, 2, 9)} Miles down the road and 3 more up the hill`,
    (random) => `In 2024 Court rulings on ${between(random, 2, 30)} Park benches changed`,
    (random) => `meet at ${between(random, 1, 12)} Green team only, room ${between(random, 100, 400)}`,
    (random) =>
      `$${between(random, 10, 99)},${digits(random, 3)}.${digits(random, 2)} on 2025-0${digit(random, 1)}-1${digit(random)} at 1${digit(random)}:3${digit(random)}`,
    (random) => `invoice ${shaped(random, "%###-####-####")}`,
    (random) => `ISBN 978-${shaped(random, "%-####-####-#")}`,
    (random) => `tweet id ${shaped(random, "%##################")}`,
    (random) => `epoch ${shaped(random, "17#########")} ms ${shaped(random, "17###########")}`,
    (random) =>
      `lat ${between(random, 10, 80)}.${digits(random, 6)}, lon -${between(random, 10, 99)}.${digits(random, 6)}`,
    () => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567 is the base32 alphabet",
    () => "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    (random) => `model gpt4omini20240718finetuned${between(random, 10, 99)}steps${between(random, 100, 999)} failed`,
  ],
  ja: [
    (random) => `アイコンは${one(random, ["btn", "アイコン", "logo"])}@2x.png を使う`,
    (random) =>
      `${one(random, ["注文番号", "お問い合わせ番号", "予約番号", "管理番号", "照会番号", "参照番号", "決済ID"])} ${withLuhn(`4${digits(random, 14)}`)}`,
    (random) =>
      `${one(random, ["バージョン", "アプリ", "ファームウェア", "ドライバー", "更新版"])}${between(random, 1, 20)}.${digit(random)}.${digit(random)}.${digit(random)}${one(random, ["です", "に更新", "をインストール", "で発生"])}`,
    (random) => `${between(random, 1, 9)}.${digit(random, 1)}.${digit(random, 1)}.${digit(random, 1)}節を参照`,
    (random) => `コミット${of(random, HEX, 40)}で直りました`,
    (random) => `ハッシュ値 ${of(random, HEX, 64)}`,
    (random) => `品番 ${shaped(random, "%##-##-####")}`,
    (random) => `千代田区で${between(random, 2, 9)}-${between(random, 0, 2)}の勝利`,
    (random) =>
      `新宿区の人口は${between(random, 30, 40)}万人で、前年より${between(random, 1, 9)}-${between(random, 1, 9)}％増えた`,
    (random) => `港区の${between(random, 2, 9)}社が${between(random, 2, 9)}月1-${between(random, 2, 9)}日に出展`,
    (random) => `横浜市西区の店舗は${between(random, 9, 11)}-${between(random, 18, 22)}時に営業`,
    (random) => `受付番号 ${shaped(random, "%###-####-####")}`,
    (random) => `${between(random, 1, 9)}丁目の夕日、${between(random, 10, 50)}番人気`,
    (random) =>
      `第${between(random, 1, 9)}章${between(random, 1, 9)}-${between(random, 1, 9)}-${between(random, 1, 9)}を読む`,
    (random) => `社員番号${shaped(random, "%#####")}、内訳${shaped(random, "%,###,###")}円`,
    (random) => `北区大会の${between(random, 1, 9)}-${between(random, 1, 9)}回戦`,
    (random) =>
      `市場では${between(random, 1, 9)}-${between(random, 10, 20)}％、村で${between(random, 1, 9)}-${between(random, 1, 9)}人`,
  ],
};

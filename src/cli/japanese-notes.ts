/** @file Notes on logs, bases and answers, and the errors of flags and settings, in Japanese; as in `japanese.ts`. */

/** English clause, Japanese clause. */
export const NOTE_CLAUSES: readonly (readonly [string, string])[] = [
  // What logs hold
  [
    "{1}: no column holds a model's answer: `{2}` is taken as the teacher's",
    "{1}：モデルの回答を含む列がないため、`{2}`を教師モデルの回答として扱います。",
  ],
  [
    "{1}: no model's answers stand in the file: its annotations are taken as the teacher's",
    "{1}：ファイルにモデルの回答がないため、付与されたラベルを教師モデルの回答として扱います。",
  ],
  [
    "{1}: nobody annotated the tasks: the predictions in them are taken as the teacher's",
    "{1}：人手のラベルがないため、ファイル内の予測を教師モデルの回答として扱います。",
  ],
  [
    '{1}: the sheet "{2}" is read, the first of {3} that holds rows; --sheet names another',
    "{1}：{3}枚のシートのうち、行を含む最初の「{2}」を読み込みます。別のシートは--sheetで指定してください。",
  ],
  [
    "{1} lines held half a surrogate pair; it was replaced by U+FFFD",
    "{1}行に対の片方だけのサロゲートがあり、U+FFFDに置き換えました。",
  ],
  [
    '{1}: the header names the column "{2}" more than once; the first is used',
    "{1}：列名「{2}」が重複しているため、最初の列を使用します。",
  ],
  [
    "{1}: not UTF-8; read as {2} (told from its zero bytes)",
    "{1}：UTF-8ではないため、ゼロバイトの並びから{2}と判断して読み込みました。",
  ],
  [
    "dates like 03/04/2025 do not say whether day or month comes first; read as month first",
    "03/04/2025のような日付は日と月の順序が判別できないため、月が先として読み込みました。",
  ],
  ["the latencies are fractions below 600: read as seconds", "応答時間が600未満の小数のため、秒として読み込みました。"],
  [
    "more than {1} distinct inputs: one of {2} was kept, chosen by hash",
    "入力が{1}種類を超えるため、{2}件に1件をハッシュで選びました。",
  ],
  ["{1}: --columns {2} is not used: no row has it", "{1}：--columns {2}はどの行にもないため使用しません。"],
  [
    "{1} of them ({2} records) with the same labels: if it is one task whose prompt was reworded, --merge {3} learns it as one",
    "うち{1}件（レコード{2}件）はラベルが同じです。プロンプトの文言が変わっただけの同じ業務であれば、--merge {3}でまとめて学習できます。",
  ],
  ["answers unwrapped: {1}", "回答から取り除いた書式：{1}"],
  [
    "{1} calls show examples as earlier turns, drawn from {2} texts: the last user's turn alone is the input",
    "{1}件の呼び出しは、{2}種類のテキストから選んだ例を以前の発話として示しています。最後のユーザー発話だけを入力とします。",
  ],
  [
    "{1} constant turns before each question are examples, a part of the template",
    "各質問の前にある決まった{1}件の発話は例であり、定型文として扱います。",
  ],
  [
    "the calls hold earlier turns with answers that never come again: nothing tells examples from history, they stay in the input",
    "以前の発話と回答が一度しか現れず、例と会話履歴を区別できないため、入力に残します。",
  ],
  [
    "{1} of {2} inputs stand as an example, with its answer, in the prompt of other calls: no leak of the split, but the teacher saw these answers",
    "入力{2}件のうち{1}件は、回答付きの例として別の呼び出しのプロンプトに含まれています。データの漏れではありませんが、教師モデルはその回答を見ています。",
  ],
  [
    "the questions hold examples with their answers themselves, which the student reads too; examples in turns of their own are told apart",
    "質問の中に回答付きの例が含まれ、生徒モデルも読みます。独立した発話の例は区別されます。",
  ],
  [
    "{1} of {2} inputs came without the student's prompt template, or without a part of it",
    "入力{2}件のうち{1}件には、生徒モデルが学習した定型文の全部または一部がありません。",
  ],
  // Bases, texts, teachers
  ["{1}; the copy of an earlier run is used", "{1}。以前に取得したものを使用します。"],
  [
    "{1}: int8 costs agreement ({2}, p {3}); it is trained on with rounded weights",
    "{1}：int8で一致率が下がるため（{2}、p {3}）、丸めた重みで追加学習します。",
  ],
  ["texts without answers: left out {1}: {2}", "回答のないテキスト：除外{1}件（{2}）"],
  [
    "texts without answers: left out {1}: not redacted: {2}",
    "回答のないテキスト：個人情報を除けないため除外{1}件（{2}）",
  ],
  [
    "the journal's last line was cut off by a kill and was taken away",
    "強制終了で途切れたジャーナルの最終行を取り除きました。",
  ],
  [
    "{1} requests were in flight when an earlier run died; their cost counts as possibly spent",
    "以前の実行の終了時に送信中だった要求が{1}件あり、その費用は支払い済みの可能性があるものとして数えます。",
  ],
  // Flags and settings
  ['--columns: expected key=column, got "{1}"', "--columns：「キー=列名」の形で指定してください（指定値：「{1}」）。"],
  [
    "write it as input=question,output=answer; a name with a comma goes into `columns` of the configuration",
    "input=question,output=answerのように書いてください。カンマを含む名前は設定ファイルの`columns`に書いてください。",
  ],
  ["--columns: {1} is given twice", "--columns：{1}が2回指定されています。"],
  ["{1}: no record with an answer", "{1}：回答のあるレコードがありません。"],
  ["{1}: exists already", "{1}：すでに存在します。"],
  ["name another file", "別のファイル名を指定してください。"],
  ["interrupted", "中断しました。"],
  ["predict: no text", "predict：テキストがありません。"],
  [
    "give texts as arguments or one per line on standard input",
    "テキストは引数で、または標準入力に1行1件で渡してください。",
  ],
  [
    "--merge: expected names of workloads such as A,B, got {1}",
    "--merge：A,Bのようにワークロード名を指定してください（指定値：{1}）。",
  ],
  [
    "--resolve-leaks: expected error or drop-train, got {1}",
    "--resolve-leaks：errorまたはdrop-trainを指定してください（指定値：{1}）。",
  ],
  ["--input: --columns names the column with the text already", "--input：テキストの列は--columnsで指定済みです。"],
  ["{1}: two promises, {2}; expected one", "{1}：約束が2つ指定されています（{2}）。1つにしてください。"],
  ["--labels and --labels-file: expected one of them", "--labelsと--labels-fileは、どちらか一方を指定してください。"],
  [
    "--order: expected file or informative, got {1}",
    "--order：fileまたはinformativeを指定してください（指定値：{1}）。",
  ],
  ["{1}: larger than {2} bytes, no configuration", "{1}：{2}バイトを超えており、設定ファイルではありません。"],
  ["check --config, or write one with `joryu init`", "--configを確認するか、`joryu init`で作成してください。"],
  ["{1}: expected settings, got {2}", "{1}：設定が必要ですが、内容は{2}でした。"],
  [
    "--api-key-env: expected the name of an environment variable, not the key itself",
    "--api-key-env：鍵そのものではなく、環境変数の名前を指定してください。",
  ],
  [
    "environment variable {1}: expected a key, found spaces, line breaks or other than ASCII",
    "環境変数{1}：鍵が必要ですが、空白、改行、またはASCII以外の文字が含まれています。",
  ],
];

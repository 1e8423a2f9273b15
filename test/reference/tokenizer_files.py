"""Small tokenizers of every kind and what Hugging Face tokenizers 0.23.3 makes of hard and random texts:
python test/reference/tokenizer_files.py FOLDER_OF_DATA (see test/reference/tokenizers/SOURCE.md for texts and licence).

Random texts are drawn by the same generator in tokenizer.test.ts: xorshift32 from the seed 1; each text has a length, then a group
and an atom of it for each place. Of blocks of 100 texts only the FNV-1a hash of all ids is kept."""

import csv
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = Path("test/reference/tokenizers")
RANDOM_TEXTS, BLOCK = 10_000, 100
data = Path(sys.argv[1])
extra = sys.argv[2:]  # further tokenizer.json files, whose expectations are kept under the name of their folder

with open(data / "banking77/train.csv", newline="") as file:
    english = [row[0] for row in csv.reader(file)][1:3001]
with open(data / "jglue-jnli/valid-v1.3.json") as file:
    japanese = [json.loads(line)["sentence1"] for line in file][:1500]
texts = english + japanese


def trained(name, model, trainer, normalizer, pre_tokenizer, template=None, decoder=None):
    if (FOLDER / f"{name}.json").exists():  # training gives other pieces each time
        return Tokenizer.from_file(str(FOLDER / f"{name}.json"))
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        tokenizer.decoder = decoder
    tokenizer.train_from_iterator(texts, trainer)
    if template is not None:
        single, pair, names = template
        specials = [(token, tokenizer.token_to_id(token)) for token in names]
        tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=specials)
    (FOLDER / f"{name}.json").write_text(tokenizer.to_str(pretty=False) + "\n")
    return Tokenizer.from_str(tokenizer.to_str())


BERT = ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ["[CLS]", "[SEP]"])
XLM = ("<s> $A </s>", "<s> $A </s> </s> $B </s>", ["<s>", "</s>"])
LLAMA_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
alphabet = pre_tokenizers.ByteLevel.alphabet()

tokenizers = {
    "wordpiece": trained(
        "wordpiece", models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=1500, limit_alphabet=700, show_progress=False,
                                  special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer(), BERT),
    "unigram": trained(
        "unigram", models.Unigram(),
        trainers.UnigramTrainer(vocab_size=1500, unk_token="<unk>", show_progress=False, special_tokens=["<s>", "<pad>", "</s>", "<unk>"]),
        normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")]), pre_tokenizers.Metaspace(), XLM),
    "bytes": trained(
        "bytes", models.BPE(),
        trainers.BpeTrainer(vocab_size=1000, initial_alphabet=alphabet, show_progress=False, special_tokens=["<|endoftext|>"]),
        normalizers.NFC(), pre_tokenizers.Sequence([
            pre_tokenizers.Split(__import__("tokenizers").Regex(LLAMA_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), decoder=decoders.ByteLevel()),
    "gpt2": trained(
        "gpt2", models.BPE(),
        trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False, special_tokens=["<|endoftext|>"]),
        None, pre_tokenizers.ByteLevel(add_prefix_space=True), decoder=decoders.ByteLevel()),
}


def with_bytes(path):
    """The Unigram tokenizer with a piece for each byte to fall back on; tokenizer.test.ts makes the same."""
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    tokenizer["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(tokenizer))


tokenizers["unigram-bytes"] = with_bytes(FOLDER / "unigram.json")
for path in extra:
    one = Tokenizer.from_file(path)
    one.no_truncation()
    one.no_padding()
    tokenizers[Path(path).parent.name] = one

HARD = [
    "", " ", "\n", "a", "Hello, World!", "  two  spaces  ", "naïve café ÀÉÎÕÜ", "nai\u0308ve cafe\u0301", "東京都に住む", "カタカナとひらがな",
    "ﾊﾟﾋﾟﾌﾟ ｶﾞｷﾞ", "か\u3099き\u3099", "Ｆｕｌｌ　ｗｉｄｔｈ", "한국어 텍스트", "\u1112\u1161\u11ab\u1100\u1173\u11af", "👨‍👩‍👧‍👦 family 👍🏽", "🇯🇵🇺🇸",
    "line\r\nbreak\rand\ttab\x0b\x0c", "\u200bzero\u200dwidth\ufeff", "𠀋 𩸽 𪚥", "𝒜𝓁𝓅𝒽𝒶", "ΑΣ ΟΔΥΣΣΕΥΣ Σ", "İstanbul ISPARTA ß ẞ ﬁ", "x²½Ⅷ①",
    "don't can't I'll we've THEY'RE", "3.14159 1,000,000 007", "a_b-c/d\\e", "<s> </s> [CLS] [SEP][MASK] <|endoftext|> x<|endoftext|>y",
    "\u0301\u0301leading marks", "नमस्ते दुनिया", "สวัสดี", "שָׁלוֹם", "مرحبا بالعالم", "\x00\x01\x7f\x80\x9f\ufffd", "…—“quotes”‘’«»", "\u3000\u00a0\u2003x\u2028y",
    "w" * 100, "w" * 101, "日" * 120, "ab" * 200, "\u0344\u0f73\u0f81", "\ufdfa", "㍿㌔㋿", "I ❤️ U", "e\u0323\u0302 ệ", "\u00ad", "\U000e0001", "🏴\U000e0067\U000e0062\U000e007f",
]
PAIRS = [["how do I", "cancel my card"], ["", "x"], ["東京", "大阪に行く人が多い"], ["a long first text with many words in it", "short"]]

groups = [
    sorted({word for text in english[:200] for word in text.split(" ")}), [text[:6] for text in japanese[:200]], [" "], [" ", "  ", "\n", "\t", "\r\n", "\u3000", "\u00a0"],
    [chr(c) for c in range(33, 127)], [chr(c) for c in range(0xa1, 0x250)], [chr(c) for c in range(0x300, 0x345)],
    [chr(c) for c in range(0x391, 0x3a2)] + [chr(c) for c in range(0x3b1, 0x3ca)] + ["Σ", "ς"], [chr(c) for c in range(0x410, 0x460)],
    [chr(c) for c in range(0x5d0, 0x5eb)] + [chr(c) for c in range(0x627, 0x656)], [chr(c) for c in range(0x905, 0x94e)],
    [chr(c) for c in range(0xe01, 0xe3b)], [chr(c) for c in range(0xac00, 0xd7a4, 97)], [chr(c) for c in range(0x1100, 0x1200)],
    [chr(c) for c in range(0x3041, 0x3097)] + [chr(c) for c in range(0x30a1, 0x30ff)], ["\u3099", "\u309a", "\uff9e", "\uff9f"],
    [chr(c) for c in range(0xff01, 0xffbf)], [chr(c) for c in range(0x4e00, 0x9fa6, 53)] + [chr(c) for c in range(0x20000, 0x2a6d6, 1999)],
    [chr(c) for c in range(0x1f300, 0x1f64f)], ["\u200d", "\u200c", "\ufe0f", "\U0001f3fd", "\u200b", "\ufeff", "\u00ad", "\x00", "\x07", "\ufffd"],
    [chr(c) for c in range(0x2010, 0x2070) if c != 0x2065], [chr(c) for c in range(0x2100, 0x2190)] + [chr(c) for c in range(0x2460, 0x2500)],
    ["[CLS]", "[MASK]", "</s>", "<unk>", "<|endoftext|>"], [chr(c) for c in range(0xfb00, 0xfb07)] + [chr(c) for c in range(0x1d400, 0x1d455)],
]
state = 1


def draw(bound):
    global state
    state ^= (state << 13) & 0xffffffff
    state ^= state >> 17
    state ^= (state << 5) & 0xffffffff
    return state % bound


def pick(items):
    return items[draw(len(items))]


def random_text():
    return "".join(pick(pick(groups)) for _ in range(draw(24)))


def hashes(tokenizer):
    result, value = [], 0x811c9dc5
    for i, text in enumerate(random_texts, 1):
        for token in [*tokenizer.encode(text).ids, 0xffffff]:
            value = ((value ^ token) * 0x01000193) & 0xffffffff
        if i % BLOCK == 0:
            result.append(value)
    return result


random_texts = [random_text() for _ in range(RANDOM_TEXTS)]
(FOLDER / "atoms.json").write_text(json.dumps(groups) + "\n")
cases = {"hard": HARD, "pairs": PAIRS, "expected": {}}
for name, tokenizer in tokenizers.items():
    expected = {"hard": [tokenizer.encode(text).ids for text in HARD], "random": hashes(tokenizer)}
    expected["pairs"] = [[one.ids, one.type_ids] for one in (tokenizer.encode(*pair) for pair in PAIRS)]
    tokenizer.enable_truncation(8, strategy="longest_first")
    expected["cut"] = [tokenizer.encode(*pair).ids for pair in PAIRS] + [tokenizer.encode(HARD[4]).ids, tokenizer.encode(english[0]).ids]
    tokenizer.no_truncation()
    cases["expected"][name] = expected
cases["cutTexts"] = [HARD[4], english[0]]
(FOLDER / "cases.json").write_text(json.dumps(cases) + "\n")
if "DUMP" in __import__("os").environ:
    dump = {name: [tokenizer.encode(text).ids for text in random_texts] for name, tokenizer in tokenizers.items()}
    Path(__import__("os").environ["DUMP"]).write_text(json.dumps({"texts": random_texts, "ids": dump}))

"""Strings -> the ids of transformers' fast CLIPTokenizer, built from the demo model's vocab.json and merges.txt: as they come, and cut and padded to 77."""
import json, random
from importlib.metadata import version
import photos
from store import Text

WORDS = """a photo of aawxbc figurine|a photo of sks dog|octopus|An Astronaut Riding A Horse|the quick brown fox jumps over the lazy dog|supercalifragilisticexpialidocious
antidisestablishmentarianism|pneumonoultramicroscopicsilicovolcanoconiosis|zxqvjk|aawxbc|Qwrtzp|hjklmn-opqrs|blorptastic wuzzlefink|Zorblax the 3rd|mr. whiskers|o'malley's
an image of a teddy bear, 4k, highly detailed, trending on artstation|masterpiece, best quality, 1girl, (solo:1.2), [blurry], {sharp}|lowres, bad anatomy, bad hands
UPPERCASE ONLY|MiXeD cAsE|iPhone 15 Pro Max|C3PO and R2D2|snake_case and kebab-case and camelCase|file.name.tar.gz|user@example|50% off|#hashtag|@mention|C++ vs C#"""
PUNCTUATION = """.|..|...|,|;|:|!|?|!?|?!|!!!|-|--|---|–|—|_|__|(|)|()|[ ]|{}|<>|< >|<<|>>|/|\\|//|\\\\|'|"|''|""|`|```|´|‘x’|“x”|„x“|«x»|‹x›|…|•|·|*|**|+|=|==|~|^|&|&&|%|$|€|£|¥|₩|§|©|®|™|°|№|@|#
:-)|:(|;-P|<3|^_^|(╯°□°)╯︵ ┻━┻|¯\\_(ツ)_/¯|a,b|a, b|a ,b|a.b|a . b|a-b|a - b|a/b|a&b|a+b=c|(a)(b)|[a][b]|"a"|'a'|a's|a''s|hello...world|wait—what?!|x|y|||z|→ ← ↑ ↓ ↔|★☆♥♦♣♠|½ ⅓ ¼|x² + y³|H₂O"""
APOSTROPHES = """it's|IT'S|don't|can't|won't|we're|they've|I'm|I'll|I'd|he'd've|y'all'd've|rock 'n' roll|'tis|'twas|the cats' toys|'s|'t|'re|'ve|'m|'ll|'d|it’s|don’t|o'clock|d'Artagnan|'S|'RE"""
NUMBERS = """0|1|42|007|1234567890|3.14159|1,000,000|1e-5|-273.15|1/2|2026-11-23|12:34:56|+82 10-1234-5678|0xDEADBEEF|Ⅳ|٣٤٥|१२३|１２３|100%|$19.99|4x4|3D|h2o|mp3|1st 2nd 3rd"""
LANGUAGES = """문어|문어 인형 사진|안녕하세요, 세계!|내 강아지 뽀삐|ㅋㅋㅋㅋ ㅠㅠ|한국어와 English 섞기|가나다라마바사아자차카타파하|돌하르방 피규어|章魚|一張貓的照片|写真の猫|たこ焼きが好き|カタカナ|日本語とEnglish|北京市|你好，世界！|龍龘靐
Zażółć gęślą jaźń|pchnąć w tę łódź jeża|łódka|café|naïve façade|Übermensch|Straße|smørrebrød|Ångström|piñata|çedilla|crème brûlée|Dvořák|Đorđe|İstanbul|ISPARTA ılık|ﬁne ﬂower|ŒUVRE œuvre|Æsir æ
осьминог|ПРИВЕТ мир|Ёлка ёж|Ελληνικά|ΣΊΣΥΦΟΣ|ὀκτώπους|Հայերեն|ქართული|שלום עולם|תמונה של כלב|مرحبا بالعالم|صورة قطة|فارسی|नमस्ते दुनिया|বাংলা|தமிழ்|తెలుగు|ไทยแลนด์|ລາວ|မြန်မာ|ភាសាខ្មែរ|አማርኛ|Tiếng Việt đẹp|ʻŌlelo Hawaiʻi|ꦧꦱꦗꦮ|𝓯𝓪𝓷𝓬𝔂 𝕥𝕖𝕩𝕥|ｆｕｌｌｗｉｄｔｈ ＡＢＣ"""
EMOJI = """🐙|🐙🐙🐙|a 🐙 b|🐙octopus|👍🏽|👩‍👩‍👧‍👦|🏳️‍🌈|🇰🇷🇵🇱|❤️|❤|☃|☕️ coffee|🤖 beep|1️⃣2️⃣|🫠🪿🫎|🧑🏿‍🚀 in space|😂😂😂 lol|©️®️™️"""
SPELLED = ["", " ", "  ", "\t", "\n", "\r\n", " a", "a ", " a ", "a  b", "a\tb", "a\nb", "a\r\nb", "a\u00a0b", "a\u2003b", "a\u3000b", "a\u200bb", "a\u200db", "a\ufeffb", "\ufeffa",
           "a\u2028b", "a\u0085b", "a\u000bb", "a\u000cb", "a\u001fb", "\u00ad soft\u00adhyphen", "a \n \t b", "\u0000", "a\u0000b", "\u0007bell", "\u007f", "\u0080\u009f", "\ufffd",
           "e\u0301", "cafe\u0301", "n\u0303", "A\u030a", "o\u0308o\u0323\u0302", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u0301", "x\u0336y\u0336", "Z\u0351\u036b\u0343a\u0329l\u0322g\u0331o\u0300",
           "\u212b \u2126 \u212a", "\u0130", "\u1e9e", "\u01c5", "\u03a3 \u03c3\u03c2", "a\u0345", "\u0915\u094d\u0937", "\ud7a3\uac00", "\U0001f468\u200d\U0001f4bb", "\U00020000\U0002a6d6", "\U0010ffff",
           "<|endoftext|>", "<|startoftext|>", "a <|endoftext|> b", "a<|endoftext|>b", "<|endoftext|><|endoftext|>", "<|ENDOFTEXT|>", "<|endoftext|", "<|startoftext|>a photo<|endoftext|>", "< |endoftext| >",
           "a photo of aawxbc<|endoftext|> figurine", "</w>", "a</w> b</w>", "<w>", "[PAD] [UNK]", "<pad>", "!", "! !", "a" * 60, "ab" * 200, "octopus " * 74, "octopus " * 75, "octopus " * 76, "octopus " * 200,
           "a " * 75 + "end", "1234567890" * 12, "🐙" * 60, "문어 " * 50, ", ".join(["best quality"] * 40), "!" * 100, "! " * 100, "-" * 77, "..." * 60, "A" + " " * 200 + "B", "<|endoftext|>" * 80,
           "hello" + "\n" * 50 + "world", "it's" * 30, "\u0301" * 40]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MIXED = [*LETTERS, *LETTERS.upper(), *"0123456789", *"   \t\n'\".,!?-_()[]<>|/", *"éüñçåøßł", *"문어한글", *"漢字かな", *"🐙❤️", *"שלמم", "\u0301", "\u0308", "'s", "'ll", "<|endoftext|>"]


def strings() -> list[str]:
    rng = random.Random(700)
    listed = [s for block in (WORDS, APOSTROPHES, NUMBERS, LANGUAGES, EMOJI) for line in block.split("\n") for s in line.split("|")]
    made_up = ["".join(rng.choices(LETTERS, k=rng.randint(5, 7))) for _ in range(24)]
    mixed = ["".join(rng.choices(MIXED, k=rng.randint(4, 30))) for _ in range(60)]
    marks = [s for line in PUNCTUATION.split("\n") for s in line.split("|")]
    return list(dict.fromkeys([*SPELLED, *listed, *marks, *made_up, *(f"a photo of {w} figurine" for w in made_up[:8]), *mixed]))


def make():
    tokenizer, rows = photos.tokenizer(), []
    assert tokenizer.is_fast
    for text in strings():
        ids = tokenizer(text).input_ids
        padded = tokenizer(text, padding="max_length", truncation=True, max_length=77).input_ids
        rows.append(json.dumps({"text": text, "ids": ids, "padded": padded}, separators=(",", ":")))  # ASCII: combining marks and odd spaces survive any editor
    head = json.dumps({k: version(k) for k in ("transformers", "tokenizers")})
    return [Text("tokenizer.json", '{"made_with":' + head + ',"strings":[\n' + ",\n".join(rows) + "\n]}\n")]

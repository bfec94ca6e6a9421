"""What made-up tasks say: words that many tasks have, words that few have, and some Thai."""

from random import Random

_WHAT = (
    "for a small flat", "for a large house", "at our office", "in the garden", "for a family of four", "before Friday",
    "on the third floor", "with your own tools", "this weekend", "for my mother", "near the station", "twice a month",
)  # fmt: skip
_WHAT_TH = ("สำหรับคอนโด", "ที่บ้านเดี่ยว", "ภายในสัปดาห์นี้", "ด่วนมาก", "ใกล้รถไฟฟ้า", "ราคาเป็นกันเอง")
_SENTENCES = (
    "Please bring your own tools and everything else that you need for it.",
    "There is a lift, and you can park in front of the house.",
    "I am at home every evening after six and all day at the weekend.",
    "The wardrobe has to be carried down two flights of stairs first.",
    "It should take about three hours if you have done it before.",
    "I would like to see photos of what you have done for others.",
    "The kitchen has to be usable again on the same evening.",
    "Our dog is friendly, but tell me if you are afraid of dogs.",
    "The old furniture can be taken away or left at the kerb.",
    "Materials are paid for separately, against the receipt.",
    "Please say in your offer when you could begin.",
    "The bathroom was painted last year and must not be scratched.",
    "It is a quiet street, and the neighbours sleep late on Sundays.",
    "I need an invoice with the tax shown on it.",
    "The fence is ten metres long and needs two coats of paint.",
    "A ladder is in the garage; the garden hose is behind the house.",
)
_SENTENCES_TH = (
    "กรุณานำเครื่องมือมาเอง มีที่จอดรถหน้าบ้าน",
    "สะดวกทุกวันหลังหกโมงเย็น และเสาร์อาทิตย์ทั้งวัน",
    "ขอใบเสร็จรับเงินด้วย และช่วยแจ้งวันที่เริ่มงานได้",
    "แอร์ไม่เย็นและมีน้ำหยด ต้องการช่างที่มีประสบการณ์",
    "งานน่าจะใช้เวลาประมาณสามชั่วโมง ค่าวัสดุจ่ายแยกต่างหาก",
)
_WORDS_TH = ("แอร์", "ช่าง", "ที่จอดรถ", "ใบเสร็จรับเงิน", "คอนโด", "รถไฟฟ้า", "วัสดุ", "งาน")
_SYLLABLES = (
    "ba",
    "cor",
    "del",
    "fin",
    "gra",
    "hol",
    "jun",
    "kel",
    "lom",
    "mar",
    "nod",
    "per",
    "quin",
    "ros",
    "sil",
    "tor",
)
_NAMES = 20_000


def titled(category: str, city: str, is_thai: bool, randomly: Random) -> str:
    """A title of 10 to 100 characters."""
    what = randomly.choice(_WHAT_TH if is_thai else _WHAT)
    return f"{category} {what}, {city}"[:100]


def described(is_thai: bool, randomly: Random) -> str:
    """Three sentences, of which many tasks have each, and a name that few have."""
    sentences = randomly.sample(_SENTENCES_TH if is_thai else _SENTENCES, 3)
    return f"{' '.join(sentences)} Model: {named(randomly)}."


def named(randomly: Random) -> str:
    """A made-up word, as often as in a language: the second half as often as the first, the third a third."""
    return name(int(_NAMES ** randomly.random()))


def looked_for(is_thai: bool, randomly: Random) -> str:
    """What a saved search is for: a name, or a Thai word that many tasks have."""
    return randomly.choice(_WORDS_TH) if is_thai else named(randomly)


def name(number: int) -> str:
    """A made-up word of four syllables, another one for each number below 65,536."""
    return "".join(_SYLLABLES[number >> shift & 15] for shift in (12, 8, 4, 0))

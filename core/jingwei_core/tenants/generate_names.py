"""English names of divisions: the specific part in pinyin, the class translated."""

from collections.abc import Mapping

from pypinyin import Style, lazy_pinyin

_ENDINGS: tuple[tuple[str, str], ...] = (
    ("土家族自治县", "Tujia Autonomous County"),
    ("土家族乡", "Tujia Township"),
    ("城乡统筹发展试验区", "Urban-Rural Development Pilot Zone"),
    ("经济技术开发区上党区部分", "Economic and Technological Development Zone (Shangdang part)"),
    ("经济技术开发区潞州区部分", "Economic and Technological Development Zone (Luzhou part)"),
    ("工业转型试验区管理委员会社区", "Industrial Transition Pilot Zone Community"),
    ("经济技术开发区", "Economic and Technological Development Zone"),
    ("现代农业产业示范区", "Modern Agriculture Demonstration Zone"),
    ("生态文化旅游示范区", "Ecology, Culture and Tourism Demonstration Zone"),
    ("乡村生态文化旅游区", "Rural Ecology, Culture and Tourism Zone"),
    ("旅游开发管理中心", "Tourism Development Management Centre"),
    ("综合服务中心", "Service Centre"),
    ("管理委员会", "Administrative Committee"),
    ("社区居民委员会", "Community"),
    ("社区居委会", "Community"),
    ("社区村委会", "Community"),
    ("集体资产社区", "Collective Assets Community"),
    ("居民委员会", "Community"),
    ("村民委员会", "Village"),
    ("村村委会", "Village"),
    ("居委会", "Community"),
    ("村委会", "Village"),
    ("街道办事处", "Subdistrict"),
    ("街道", "Subdistrict"),
    ("社区", "Community"),
    ("坝区", "Dam Area"),
    ("虚拟生活区", "Residential Area"),
    ("生活区", "Residential Area"),
)
_BY_LEVEL: Mapping[str, tuple[tuple[str, str], ...]] = {
    "city": (("市", "City"),),
    "district": (("区", "District"), ("县", "County"), ("市", "City")),
    "street": (("镇", "Town"), ("乡", "Township")),
    "community": (("村", "Village"),),
}

# Names that repeat the division above them.
_SUPERIORS = ("宜昌市伍家岗区", "当阳市", "长治市")

# Readings that the dictionary misses in place names (多音字), and names of one syllable.
_READINGS: Mapping[str, str] = {
    "长治": "changzhi",
    "长阳": "changyang",
    "长江": "changjiang",
    "长子": "zhangzi",
    "长兴": "changxing",
    "长轴": "changzhou",
    "宜都": "yidu",
    "秭归": "zigui",
    "猇亭": "xiaoting",
    "伍家岗": "wujiagang",
    "枝江": "zhijiang",
    "虒亭": "siting",
    "嫘祖": "leizu",
    "淯溪": "yuxi",
    "堠": "hou",
    "牛扎坪": "niuzhaping",
    "古老背": "gulaobei",
    "都镇湾": "duzhenwan",
    "乐天溪": "letianxi",
    "角沿": "jiaoyan",
    "澳瑞特": "aoruite",
}


def english_name(name: str, level: str) -> str:
    """The English name of a division, such as ``Xiling District`` for 西陵区."""
    for superior in _SUPERIORS if level in ("street", "community") else ():
        name = name.removeprefix(superior)
    for ending, english in (*_ENDINGS, *_BY_LEVEL[level]):
        stem = name.removesuffix(ending)
        if stem and stem != name:
            return f"{_transcribe(stem)} {english}"
    return _transcribe(name)


def _transcribe(text: str) -> str:
    for written, reading in _READINGS.items():
        text = text.replace(written, reading)
    first, *rest = lazy_pinyin(text, style=Style.NORMAL, v_to_u=False)
    joined = (f"'{part}" if part[0] in "aeo" else part for part in rest)
    return "".join((first, *joined)).replace("ü", "v").capitalize()

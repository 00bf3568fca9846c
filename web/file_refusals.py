"""Refusals of sheets, said in Chinese: why a file is not read, and what a cell should hold."""

import re

from web.phrases import Words, phrases, plain, said

_FILES: tuple[tuple[str, Words], ...] = (
    (r"(.*): the file is empty", plain("{0}: 文件是空的。")),
    (
        r"(.*): an old workbook, .*",
        plain("{0}: 旧格式、带宏或加密码的工作簿不读; 请打开它, 另存为不带宏、不加密的 .xlsx。"),
    ),
    (r"(.*): expected the \.xlsx file that the page gives out", plain("{0}: 只读 .xlsx; 请用本页给出的表。")),
    (r"(.*): ([\d,]+) bytes; .* at most ([\d,]+)", plain("{0}: 文件有 {1} 字节, 最多 {2}。")),
    (
        r"(.*): the content is not that of a \.xlsx file; .*",
        plain("{0}: 内容不是 Excel 工作簿; 请打开原表另存为 .xlsx。"),
    ),
    (
        r"(.*): unpacks to ([\d,]+) bytes .*",
        plain("{0}: 解压后有 {1} 字节, 远超一张表; 请把数据复制到新表再存。"),
    ),
    (r"(.*): not a whole file .*", plain("{0}: 文件不完整; 请重新保存或复制。")),
    (r"(.*): (\S+) has a document type or entities; .*", plain("{0}: {1} 里有外部定义; 请在 Excel 里另存一次。")),
    (r"(.*): cannot be opened as a spreadsheet; .*", plain("{0}: 打不开; 请在 Excel 里另存为 .xlsx。")),
    (
        r"(.*): more than ([\d,]+) cells, .*",
        plain("{0}: 单元格 (含空的) 超过 {1} 个; 请删去表格下面和右面的空行空列, 或拆成几张表。"),
    ),
    (r"(.*): no row has the headers (.*); .*", plain("{0}: 没有找到表头 {1}; 请用本页给出的表填写, 不要改表头。")),
    (
        r"(.*): (?:the first sheet is empty; .*|the header row is empty|has no sheet of cells)",
        plain("{0}: 第一张工作表没有表头。"),
    ),
    (r"(.*): the column (.*) stands twice in the header", plain("{0}: 表头里“{1}”有两列, 留一列。")),
    (r"\S+: the required column (.*) is missing; the file has (.*)", plain("缺少必填的列 {0}; 文件里有 {1}。")),
    (r"\S+: the file has no data rows", plain("表里没有数据行。")),
    (
        r"\S+: the file has no geometry; .* it has (.*)",
        plain("缺少经度、纬度两列; 文件里有 {0}。"),
    ),
    (
        r"\S+: the file has no coordinate reference system; .*",
        plain("没有写明坐标系; 请在“设置”工作表里选一种, 如 EPSG:4490 或 GCJ-02。"),
    ),
    (
        r"\S+: the places lie (\d+) m from the roads on average, and (\d+) m if they are (\S+) .*",
        plain("这些点离道路平均 {0} 米; 若坐标系是 {2}, 则只有 {1} 米: 坐标系多半写错了, 请在“设置”工作表里改。"),
    ),
    (r"crs=(.*): not known; .*", plain("不认识坐标系 {0}; 写 EPSG:编号、GCJ-02 或 BD-09。")),
)
"""Why a file is not read at all; the first that fits counts."""

_NUMBER = {"a whole number": "整数", "a number with at most 3 decimals": "数, 小数不超过三位", "a number": "数"}


def _number(found: re.Match[str]) -> str:
    what, unit, low, high = found.groups()
    span = f"{low} 到 {high} 的" if low else ""
    return f"{span}{_NUMBER[what]}{f' ({unit})' if unit else ''}, 不带单位"


_EXPECTED: tuple[tuple[str, Words], ...] = (
    (r"a value, not a formula", plain("填数值, 不能是公式")),
    (r"a value, not an error", plain("填数值; 这一格是错误值")),
    (r"a value: this column is required", plain("必填")),
    (r"text without control characters", plain("不含控制字符的文字")),
    (r"at most ([\d,]+) characters", plain("不超过 {0} 字")),
    (
        r"(a whole number|a number with at most 3 decimals|a number)"
        r"(?: in (.*?))?(?: from (\S+) to (\S+))?, without the unit",
        _number,
    ),
    (r"yes or no \(是/否\)", plain("是或否")),
    (r"one of (.*), joined by ;", plain("{0} 中的几种, 用分号隔开")),
    (r"one of (.*)", plain("{0} 之一")),
    (r"a date such as (.*)", plain("日期, 如 {0}")),
    (r"a time such as (.*)", plain("时间, 如 {0}")),
    (r"24h, or periods such as (.*) or (.*)", plain("24h, 或时段, 如 {0} 或 {1}")),
    (r"each key once; it is in data row (\d+) already", plain("每个编号只能有一行; 第 {0} 条数据里已有")),
    (r"both coordinates, or neither", plain("经度和纬度都填, 或都不填")),
    (r"a number in the declared CRS, .*", plain("坐标数值, 如 120.8600")),
    (r"a finite number|finite coordinates", plain("有限的数")),
    (r"at least the value of (.*), (.*); were the two swapped\?", plain("不小于“{0}”的 {1}; 两列是不是填反了")),
    (r"an id that is there already \((.*)\)", plain("已经登记的编号 ({0})")),
    (
        r"a new version, for (.*) has been in force since (\S+)",
        plain("“{0}”自 {1} 起已生效, 内容不能改; 要调整请出新版本"),
    ),
    (r"the unit in which its stock is counted, (.*)", plain("库存已按“{0}”计量, 不能改单位")),
    (r"a whole number: the unit (.*) has no parts", plain("整数; “{0}”不能拆开")),
    (r"the item's unit, (.*)", plain("目录的计量单位 {0}")),
    (
        r"inside the district's extent \((.*) to (.*)\)(; longitude and latitude look swapped)?",
        lambda m: f"在本区范围内 ({m[1]} 至 {m[2]}){'; 经度和纬度像是填反了' if m[3] else ''}",
    ),
    (
        r"longitude, latitude in degrees(; they look swapped)?",
        lambda m: f"十进制度的经度、纬度{'; 像是填反了' if m[1] else ''}",
    ),
    (r"(\d+) cells as in the header", plain("和表头一样 {0} 格")),
    (r"no value under an empty header", plain("没有表头的列不能有值")),
    (r"a data row, not the header once more", plain("数据行, 不是又一行表头")),
)
"""What a cell should hold."""

_FILE_PHRASES = phrases(_FILES)
_EXPECTED_PHRASES = phrases(_EXPECTED)


def file_sentence(detail: str) -> str | None:
    """Why a file is not read, in Chinese; None for a sentence that is not known here."""
    return said(_FILE_PHRASES, detail)


def expected_phrase(phrase: str) -> str:
    """What a cell should hold, in Chinese; a phrase that is not known stays as it is."""
    return said(_EXPECTED_PHRASES, phrase) or phrase

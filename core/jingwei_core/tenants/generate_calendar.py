"""Lists the holidays and make-up working days of China for ``calendar.toml``.

The days come from the package ``holidays`` (MIT), which follows the State Council's yearly notices.
"""

from collections.abc import Sequence

import holidays


def generate_calendar_days(years: Sequence[int]) -> str:
    """TOML of ``[[holidays]]`` and ``[[make_up_days]]`` for ``years``, in date order."""
    chinese = holidays.country_holidays("CN", years=years, language="zh_CN")
    english = holidays.country_holidays("CN", years=years, language="en_US")
    parts = [
        f'[[holidays]]\nday = {day}\nname_zh = "{chinese[day]}"\nname_en = "{english[day]}"\n'
        for day in sorted(chinese)
    ]
    make_up = sorted(day for day in chinese.weekend_workdays if day.year in years)
    parts += [
        f'[[make_up_days]]\nday = {day}\nname_zh = "调休上班"\nname_en = "Make-up working day"\n'
        for day in make_up
    ]
    return "\n".join(parts)

"""Who acts in the rulebook's week (人员): a post of the package for each, by login."""

from dataclasses import dataclass

STREET, OTHER_STREET = "410103001", "410103003"
HUAIHE, HUAIHEBEI = "410103001001", "410103001003"
GRID, SECOND_GRID, FAR_GRID = "41010300100101", "41010300100102", "41010300100301"
DISTRICT, CITY = "410103", "4101"
ADMIN = "admin"


@dataclass(frozen=True)
class Hired:
    """An account to make: what it is called, its post, and what hangs on its person."""

    name: str
    role: str
    place: str
    department: str = ""
    has_card: bool = False
    """Holds an enforcement certificate (行政执法证)."""
    weekdays: tuple[int, ...] = ()
    """Serves at the subdistrict on these days of the week ("4+1")."""
    has_mail: bool = False


PEOPLE = {
    "grid": Hired("淮河01格长", "grid_chief", GRID, has_mail=True),
    "second-grid": Hired("淮河02格长", "grid_chief", SECOND_GRID),
    "far-grid": Hired("淮北街01格长", "grid_chief", FAR_GRID),
    "chief": Hired("淮河二级长", "community_chief", HUAIHE, has_mail=True),
    "far-chief": Hired("淮北街二级长", "community_chief", HUAIHEBEI, has_mail=True),
    "street": Hired("一级长", "street_chief", STREET),
    "leader": Hired("主管领导", "street_leader", STREET),
    "platform": Hired(
        "平台操作员", "platform_operator", STREET, "platform-410103001", has_mail=True
    ),
    "other-platform": Hired("铭功路平台", "platform_operator", OTHER_STREET),
    "city-platform": Hired("市平台", "platform_operator", CITY, "city-platform"),
    "office": Hired("区长效办", "district_office", DISTRICT, "long-term-office"),
    "enforcer": Hired(
        "执法下派员",
        "seconded_officer",
        STREET,
        "enforcement",
        has_card=True,
        weekdays=(1, 2, 3, 4),
    ),
    "trainee": Hired("执法见习", "seconded_officer", STREET, "enforcement"),
    "commerce": Hired(
        "工商下派员", "seconded_officer", STREET, "commerce", has_card=True, weekdays=(1, 2, 3, 5)
    ),
    "food": Hired(
        "食药下派员", "seconded_officer", STREET, "food-drug", has_card=True, weekdays=(1, 2, 4, 5)
    ),
    "safety": Hired(
        "安监下派员",
        "seconded_officer",
        STREET,
        "work-safety",
        has_card=True,
        weekdays=(2, 3, 4, 5),
    ),
    "health": Hired("卫生下派员", "seconded_officer", STREET, "health", weekdays=(1, 3, 4, 5)),
    "visiting": Hired(
        "执法驻铭功路",
        "seconded_officer",
        OTHER_STREET,
        "enforcement",
        has_card=True,
        weekdays=(5,),
    ),
    "desk": Hired("执法局内勤", "department_handler", DISTRICT, "enforcement"),
    "auditor": Hired("审计员", "auditor", CITY),
}
"""``visiting`` serves at the subdistrict on Fridays and holds no post there."""

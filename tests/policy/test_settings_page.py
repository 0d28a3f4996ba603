"""Every setting is described, and the page for operators lists what the code reads."""

from tests.policy.settings_page import BEGIN, PAGE, undescribed, written


def test_every_setting_says_what_it_is_for() -> None:
    assert undescribed() == []


def test_the_page_lists_the_settings_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "python -m tests.policy.settings_page writes it anew"


def test_a_page_without_a_setting_is_noticed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shortened = page.replace("| `JINGWEI_POOL_SIZE`", "| `JINGWEI_OTHER`")
    assert BEGIN in page
    assert shortened != written(shortened)

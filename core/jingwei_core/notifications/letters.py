"""Letters (外发消息): several notifications in one text, no longer than the channel takes."""

from collections.abc import Sequence

from jingwei_sdk.messages import Catalogue

DIGEST = "NOTIFICATION_DIGEST"
MORE = "NOTIFICATION_MORE"


def subject_of(catalogue: Catalogue, texts: Sequence[str], locale: str) -> str:
    """One line for all of them."""
    if len(texts) == 1:
        return texts[0]
    return catalogue.message(DIGEST, locale, {"count": len(texts)}).text


def body_of(catalogue: Catalogue, texts: Sequence[str], locale: str, longest: int) -> str:
    """The texts, one a line under a heading when they are several, in ``longest`` characters at
    most (0: no limit): what does not fit is counted."""
    if len(texts) == 1:
        return texts[0][: longest or None]
    heading = subject_of(catalogue, texts, locale)
    for told in range(len(texts), -1, -1):
        lines = [heading, *texts[:told]]
        if told < len(texts):
            more = {"count": len(texts) - told}
            lines.append(catalogue.message(MORE, locale, more).text)
        body = "\n".join(lines)
        if not longest or len(body) <= longest:
            return body
    return heading[:longest]

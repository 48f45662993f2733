"""Pages of reports, read as a browser reads them."""

import html.parser
from typing import Any


class Page(html.parser.HTMLParser):
    """Collects the tags of a page, and complains where they do not close.

    Attributes:
        open: tags that are not closed yet.
        seen: all tags, in order.
        links: what `src` and `href` name.
        text: what stands between the tags.
    """

    VOID = ("meta", "img", "line", "circle", "rect", "polyline", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[Any] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        self.links += [value for key, value in attrs if key in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

"""Status, configuration and tags. Source: Status-, Configuration- and TagController.php."""

from adapters.sandbox.kimai import texts
from adapters.sandbox.kimai.collation import folded, like
from adapters.sandbox.kimai.entities import Tag
from adapters.sandbox.kimai.forms import Form
from adapters.sandbox.kimai.problems import not_found
from adapters.sandbox.kimai.requests import Call, Reply, no_content

VERSION, VERSION_ID = "2.66.0", 26600
_TAG_NAME = (2, 100)  # characters
_COLORS = {
    "Silver": "#c0c0c0", "Gray": "#808080", "Black": "#000000", "Maroon": "#800000",
    "Brown": "#a52a2a", "Red": "#ff0000", "Orange": "#ffa500", "Gold": "#ffd700",
    "Yellow": "#ffff00", "Peach": "#ffdab9", "Khaki": "#f0e68c", "Olive": "#808000",
    "Lime": "#00ff00", "Jelly": "#9acd32", "Green": "#008000", "Teal": "#008080",
    "Aqua": "#00ffff", "LightBlue": "#add8e6", "DeepSky": "#00bfff", "Dodger": "#1e90ff",
    "Blue": "#0000ff", "Navy": "#000080", "Purple": "#800080", "Fuchsia": "#ff00ff",
    "Violet": "#ee82ee", "Rose": "#ffe4e1", "Lavender": "#E6E6FA",
}  # fmt: skip


def ping(_: Call) -> Reply:
    """Proof that the token works."""
    return Reply({"message": "pong"})


def version(_: Call) -> Reply:
    """Which Kimai this behaves like."""
    text = f"Kimai {VERSION} by Kevin Papst."
    return Reply({"version": VERSION, "versionId": VERSION_ID, "copyright": text})


def plugins(call: Call) -> Reply:
    """Installed plugins."""
    return Reply(call.state.plugins)


def timesheet_config(call: Call) -> Reply:
    """What a client may know of the rules: nothing about rounding or lockdown."""
    settings = call.state.settings
    return Reply(
        {
            "trackingMode": settings.text("timesheet.mode"),
            "defaultBeginTime": settings.text("timesheet.default_begin"),
            "activeEntriesHardLimit": settings.number("timesheet.active_entries.hard_limit"),
            "isAllowFutureTimes": settings.flag("timesheet.rules.allow_future_times"),
            "isAllowOverlapping": settings.flag("timesheet.rules.allow_overlapping_records"),
        }
    )


def colors(_: Call) -> Reply:
    """The colours people may choose."""
    return Reply(_COLORS)


# -- tags -------------------------------------------------------------------------------------


def _visible_tags(call: Call, name: str | None) -> list[Tag]:
    pattern = like(name or "")
    rows = (tag for tag in call.state.tags.values() if tag.visible)
    found = [tag for tag in rows if pattern.search(folded(tag.name))]
    return sorted(found, key=lambda tag: folded(tag.name))


def tag_names(call: Call) -> Reply:
    """Names of visible tags."""
    return Reply([tag.name for tag in _visible_tags(call, call.query.one("name"))])


def find_tags(call: Call) -> Reply:
    """Visible tags by part of their name; without a name nothing."""
    name = call.query.one("name")
    rows = [] if name is None else _visible_tags(call, name)
    return Reply([call.shapes.tag(tag) for tag in rows])


def create_tag(call: Call) -> Reply:
    """A new tag; hidden unless `visible` is sent."""
    call.need("create_tag", "manage_tag")
    form = Form(["name", "color", "visible"], call.body)
    name = form.text("name") if form.sent("name") else None
    color = form.color("color") if form.sent("color") else None
    if name is None:
        form.violation("name", texts.NOT_BLANK)
    else:
        form.length("name", name, *_TAG_NAME)
        form.plain("name", name)
        if "," in name:
            form.violation("name", texts.TAG_COMMA)
        if call.state.tag_by_name(name) is not None:
            form.violation("name", texts.IN_USE)
    form.check()
    assert name is not None
    visible = form.sent("visible") and form.checkbox("visible")
    return Reply(call.shapes.tag(call.state.add_tag(name, visible=visible, color=color)))


def delete_tag(call: Call) -> Reply:
    """The tag leaves every record; their modification time does not change."""
    call.need("delete_tag")
    if call.id not in call.state.tags:
        raise not_found()
    for row in call.state.timesheets.values():
        if call.id in row.tags:
            row.tags = [key for key in row.tags if key != call.id]
            call.state.put("timesheets", row)
    call.state.drop("tags", call.id)
    return no_content()


def no_invoices(call: Call) -> Reply:
    """Invoices: the sandbox writes none."""
    call.need("view_invoice")
    page = {"X-Page": "1", "X-Total-Count": "0", "X-Total-Pages": "1", "X-Per-Page": "50"}
    return Reply([], headers=page)

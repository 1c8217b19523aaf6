"""Pictures of the catalog's models: plain drawings, made from their data."""

from html import escape

from .choices import CurrentType
from .models import Brand, ChargerModel

BODY, EDGE, SCREEN, LIGHT, INK = "#f3f6f9", "#9fb1c1", "#20384d", "#19a974", "#20384d"


def draw_model(model: ChargerModel) -> str:
    """A small SVG of the model: a wallbox, or a cabinet for direct current."""
    is_dc = model.current_type == CurrentType.DC
    figure = _cabinet(model.connector_count) if is_dc else _wallbox()
    power = f"{model.max_power_w / 1000:g} kW {model.get_current_type_display()}"
    return _svg(
        f"{model.brand.name} {model.name}",
        figure + _text(286, model.name, 15, "600") + _text(306, power, 13, "400"),
    )


def draw_brand(brand: Brand) -> str:
    """A small SVG with the brand's name."""
    return _svg(brand.name, _text(165, brand.name, 24, "600"))


def _wallbox() -> str:
    return (
        f'<rect x="70" y="40" width="100" height="150" rx="18" fill="{BODY}" '
        f'stroke="{EDGE}" stroke-width="3"/>'
        f'<rect x="90" y="60" width="60" height="8" rx="4" fill="{LIGHT}"/>'
        f'<circle cx="120" cy="130" r="26" fill="none" stroke="{SCREEN}" '
        'stroke-width="6"/>' + _bolt(120, 130) + _cable(120, 190)
    )


def _cabinet(connectors: int) -> str:
    cables = "".join(
        _cable(150 if n % 2 else 90, 150) for n in range(min(connectors, 2))
    )
    return (
        f'<rect x="65" y="24" width="110" height="226" rx="10" fill="{BODY}" '
        f'stroke="{EDGE}" stroke-width="3"/>'
        f'<rect x="83" y="42" width="74" height="52" rx="4" fill="{SCREEN}"/>'
        + _bolt(120, 68)
        + f'<rect x="83" y="106" width="74" height="6" rx="3" fill="{LIGHT}"/>'
        + cables
    )


def _bolt(x: int, y: int) -> str:
    points = f"{x + 3},{y - 16} {x - 9},{y + 3} {x - 1},{y + 3} {x - 4},{y + 16} "
    points += f"{x + 9},{y - 4} {x + 1},{y - 4}"
    return f'<polygon points="{points}" fill="{LIGHT}"/>'


def _cable(x: int, y: int) -> str:
    side = -1 if x < 120 else 1
    return (
        f'<path d="M{x} {y} c0 60 {side * 60} 60 {side * 62} 0 v-18" fill="none" '
        f'stroke="{SCREEN}" stroke-width="5" stroke-linecap="round"/>'
        f'<rect x="{x + side * 62 - 7}" y="{y - 40}" width="14" height="24" rx="4" '
        f'fill="{SCREEN}"/>'
    )


def _text(y: int, text: str, size: int, weight: str) -> str:
    return (
        f'<text x="120" y="{y}" font-size="{size}" font-weight="{weight}" '
        f'fill="{INK}" text-anchor="middle" '
        f'font-family="system-ui, sans-serif">{escape(text)}</text>'
    )


def _svg(title: str, content: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 320" role="img">'
        f"<title>{escape(title)}</title>"
        f'<rect width="240" height="320" rx="12" fill="#ffffff"/>{content}</svg>'
    )

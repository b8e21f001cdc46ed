"""The report's HTML in pieces: its look, figures, tables, figures with intervals."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semiray.evaluation.statistics.classification import Interval

__all__ = ["STYLE", "Images", "anchor", "bullets", "cell", "cells", "figure", "guide", "section", "span", "table"]

Images = Mapping[str, tuple[bytes, bytes]]
"""Figure name -> PNG bytes for a light and for a dark page."""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b1f24;--faint:#5d656f;--rule:#dfe3e8;
--synthetic:#b04c14;--real:#2f6db3;--warn:#fff3d6;--warn-ink:#5c4300}
@media screen and (prefers-color-scheme:dark){:root{--paper:#181b20;--card:#20242b;--ink:#e8eaed;--faint:#a3acb6;
--rule:#363c45;--synthetic:#f0965a;--real:#74aef0;--warn:#3d3113;--warn-ink:#ffe3a1}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.5rem 1.1rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .3rem}h2{font-size:1.25rem;margin:2.6rem 0 .5rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}p{margin:.5rem 0;max-width:46rem}.faint{color:var(--faint)}
.small{font-size:.85rem}
.banner{background:var(--warn);color:var(--warn-ink);padding:.7rem 1rem;border-radius:.5rem;margin:1rem 0}
.verdict{border-left:.25rem solid var(--synthetic);padding:.1rem 0 .1rem 1rem;margin:1.3rem 0;font-size:1.06rem}
.verdict h2{margin:0 0 .2rem;font-size:1rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.3rem,1fr));gap:.8rem;margin:1.3rem 0}
.card{display:block;background:var(--card);border-radius:.6rem;padding:.9rem 1rem;color:inherit;text-decoration:none}
a.card:hover,a.card:focus-visible{outline:2px solid var(--rule)}
.card b{display:block;font-size:1.9rem;line-height:1.15;font-variant-numeric:tabular-nums;margin:.15rem 0}
.card b small{font-size:.95rem;font-weight:400;color:var(--faint)}
.card span{display:block;font-size:.83rem;color:var(--faint)}
.card .name{color:var(--ink);font-size:.9rem;font-weight:600}
.guide{background:var(--card);border-radius:.6rem;padding:.5rem 1rem;margin:.6rem 0 1rem;font-size:.92rem}
.guide div{display:grid;grid-template-columns:9rem 1fr;gap:0 1rem;margin:.45rem 0}
.guide dt{font-weight:600}.guide dd{margin:0;max-width:44rem}
figure{margin:1rem 0}figure img{display:block;max-width:100%;height:auto}
figcaption{font-size:.85rem;color:var(--faint);margin-top:.4rem;max-width:46rem}
.small-figure img{max-width:min(100%,36rem)}
.pair{display:flex;flex-wrap:wrap;gap:1rem}.pair figure{flex:1 1 17rem;max-width:27rem;margin:.5rem 0}
.white img{background:#fff;border-radius:.5rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.6rem 0}
th,td{padding:.28rem .7rem .28rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left}th{font-weight:600}td small{color:var(--faint)}
.synthetic{color:var(--synthetic)}.real{color:var(--real)}
details{margin:.7rem 0}summary{cursor:pointer}pre{font-size:.8rem;line-height:1.35;overflow-x:auto}
footer{margin-top:3rem;border-top:1px solid var(--rule);padding-top:1rem}
li{margin:.25rem 0;max-width:46rem}
@media screen and (max-width:40rem){.guide div{grid-template-columns:1fr}
figure:not(.small-figure) picture{display:block;overflow-x:auto}
figure:not(.small-figure) img{max-width:none;width:38rem}}
@media print{body{font-size:10.5pt;max-width:none;padding:0}h2,h3,.guide{break-after:avoid}
figure,.card,.guide,tr{break-inside:avoid}footer{break-before:avoid;margin-top:1rem}.guide{font-size:9pt}
.cards{grid-template-columns:repeat(auto-fit,minmax(3.2cm,1fr));gap:.4rem}details:not(.dimensions){display:none}
details::details-content{content-visibility:visible;height:auto}.dimensions table{font-size:6.5pt}
.card b{font-size:1.4rem}figure img{max-height:10cm;width:auto}
.wide{overflow:visible}table{font-size:7.5pt}
.dimensions td,.dimensions th{padding-right:.35rem}
:root{color-scheme:light;--paper:#fff;--card:#f6f7f9;--ink:#000;--faint:#444;--rule:#ccc}}
"""


def figure(images: Images, name: str, caption: str, kind: str = "") -> str:
    """A figure by its name, for a light and a dark page, with its caption; nothing if there is none."""
    if name not in images:
        return ""
    light, dark = (f"data:image/png;base64,{base64.b64encode(data).decode()}" for data in images[name])
    alternative = "" if dark == light else f'<source srcset="{dark}" media="screen and (prefers-color-scheme: dark)">'
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    words = escape(name.replace("_", " "))
    return f'<figure class="{kind}"><picture>{alternative}<img src="{light}" alt="{words}"></picture>{below}</figure>\n'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls on a narrow page; cells are HTML already."""
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{content}</td>" for content in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def cells(*intervals: Interval) -> list[str]:
    """A cell for each figure with its interval."""
    return [cell(x.mean, x.low, x.high) for x in intervals]


def cell(value: float, low: float, high: float) -> str:
    """A figure and, small, its interval."""
    return f"{value:.3f} <small>{low:.2f}–{high:.2f}</small>"


def span(interval: Interval) -> str:
    """An interval in words."""
    return f"{interval.low:.2f} to {interval.high:.2f}"


def section(title: str, content: str) -> str:
    """A section under its title, which links can point at; the content is HTML already."""
    return f'<section id="{anchor(title)}"><h2>{escape(title)}</h2>{content}</section>'


def anchor(title: str) -> str:
    """The id of the section of this title."""
    return title.lower().replace(" ", "-")


def guide(measured: str, reading: str, ends: str, caveats: str) -> str:
    """What a reader of a section must know first: what is measured, how to read it, floor and ceiling, caveats.

    All in HTML already.
    """
    said = {"Measured": measured, "How to read it": reading, "Floor and ceiling": ends, "Caveats": caveats}
    rows = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in said.items())
    return f'<dl class="guide">{rows}</dl>'


def bullets(items: Iterable[str]) -> str:
    """A list of plain sentences."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"

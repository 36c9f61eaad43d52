"""Draws the plots of docs/benchmarks.md and writes its tables, from the results of `make bench`.

    python plot.py RESULTS PAGE

RESULTS is the folder with the JSON lines that the benchmarks have written. The plots go into a
folder beside PAGE that has its name without `.md`. Each table of PAGE is between the comments
`<!-- NAME -->` and `<!-- end -->`. A plot or table without results stays as it is.
"""

import json
import math
import re
import sys
import textwrap
from datetime import datetime, timezone
from pathlib import Path

import vl_convert

import charts


# The names of the tables, of the files with results, and of the plots; and the command that makes
# the results.
COMMANDS = {
    "requests": "cargo bench --bench near_cache",
    "latency": "cargo bench --bench near_cache -- outcomes",
    "scale": "cargo bench --bench near_cache -- scale",
    "lateness": "cargo bench --bench lateness",
    "operations": "cargo bench --bench operations",
    "million": "cargo bench --bench million",
}


def main(results: Path, page: Path) -> None:
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    text = page.read_text(encoding="utf-8")
    for name, command in COMMANDS.items():
        path = results / f"{name}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        run, *rows = [json.loads(line) for line in lines] or [{}]
        if not rows:
            print(f"{name}: no results, left as it is")
            continue
        caption = f"{machine(run)} `{command}`"
        if draw := getattr(charts, name, None):
            svg = vl_convert.vegalite_to_svg(draw(rows) | {"config": charts.CONFIG})
            captions = textwrap.wrap(caption.replace("`", ""), 84)
            (folder / f"{name}.svg").write_text(finished(svg, captions), encoding="utf-8")
        text = with_table(text, name, f"{getattr(charts, f'{name}_table')(rows)}\n\n{caption}")
        print(f"{name}: {len(rows)} results")
    page.write_text(text, encoding="utf-8")


def machine(run: dict) -> str:
    """Says where, when and with which code a run was made."""
    date = datetime.fromtimestamp(run["seconds_since_1970"], timezone.utc).date()
    redis = re.search(r"v=(\S+)", run["redis"])
    rust = re.search(r"rustc (\S+)", run["rust"])
    parts = [
        f"{run['cores']} cores of {run['processor'] or run['system']}",
        run["system"],
        f"Redis {redis[1] if redis else '?'}",
        f"Rust {rust[1] if rust else '?'}",
        f"{date}",
        f"commit {run['commit']}",
    ]
    short = "A short run, which shows no reliable figures: " if run["short"] else ""
    return f"{short}{', '.join(parts)}."


def with_table(text: str, name: str, table: str) -> str:
    """Replaces the table with this name in the text of a page."""
    start, end = f"<!-- {name} -->", "<!-- end -->"
    if start not in text:
        raise SystemExit(f"the page has no table {name}")
    before, rest = text.split(start, 1)
    _, after = rest.split(end, 1)
    return f"{before}{start}\n{table}\n{end}{after}"


def finished(svg: str, captions: list[str]) -> str:
    """Adds the colors of a dark page and the captions, and drops what no reader needs."""
    svg = re.sub(r'<path class="(?:fore|back)ground"[^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>', "", svg)
    svg = re.sub(r' (?:aria-[a-z]+|role|pointer-events)="[^"]*"', "", svg)
    svg = re.sub(r' (?:opacity="1"|stroke-miterlimit="10"|font-weight="normal")', "", svg)
    svg = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", svg)
    width, height = (float(it) for it in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    size = [math.ceil(width), math.ceil(height) + 14 * len(captions)]
    svg = re.sub(
        r'width="\S+" height="\S+" viewBox="[^"]*"><rect width="\S+" height="\S+"',
        f'width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}">'
        f'<rect width="{size[0]}" height="{size[1]}"',
        svg,
        count=1,
    )
    lines = "".join(
        f'<text class="caption" x="{charts.PADDING}" y="{size[1] - charts.PADDING + 4 - 14 * (len(captions) - 1 - line)}" '
        f'fill="{charts.MUTED[0]}" font-family="{charts.FONT}" font-size="10px">{escaped(caption)}</text>'
        for line, caption in enumerate(captions)
    )
    dark = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in charts.COLORS
    )
    style = f"<style>@media(prefers-color-scheme:dark){{{dark}}}</style>"
    svg = re.sub(r"(<svg[^>]*>)", lambda root: root[1] + style, svg, count=1)
    return svg.replace("</svg>", f"{lines}</svg>\n")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

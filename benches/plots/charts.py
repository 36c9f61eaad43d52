"""The plots as Vega-Lite specifications, and the tables as Markdown."""

# Vega measures texts with Liberation Sans, which is as wide as Arial. Other fonts are wider: there is
# some space around each text.
FONT = "Arial, Liberation Sans, sans-serif"
PADDING = 20

# Each color on a light and on a dark page. The colors of the light page are in the SVG; its style
# replaces them on a dark page. The background is part of the plot, because a page may be dark in a
# browser that prefers light.
BACKGROUND = ("#ffffff", "#0d1117")
INK = ("#1f2328", "#e6edf3")
MUTED = ("#59636e", "#9198a1")
GRID = ("#d8dee4", "#30363d")
BLUE = ("#0969da", "#4493f8")
ORANGE = ("#bc4c00", "#f0883e")
COLORS = [BACKGROUND, INK, MUTED, GRID, BLUE, ORANGE]

CONFIG = {
    "background": BACKGROUND[0],
    "padding": PADDING,
    "font": FONT,
    "aria": False,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "color": INK[0],
        "fontSize": 15,
        "fontWeight": 600,
        "subtitleColor": MUTED[0],
        "subtitleFontSize": 11,
        "offset": 14,
    },
    "axis": {
        "labelColor": INK[0],
        "titleColor": MUTED[0],
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "gridColor": GRID[0],
        "domainColor": GRID[0],
        "tickColor": GRID[0],
        "labelLimit": 240,
        "labelFlush": False,
    },
    "legend": {
        "title": None,
        "orient": "top",
        "labelColor": INK[0],
        "labelFontSize": 11,
        "labelLimit": 300,
        "columnPadding": 40,
        "symbolStrokeWidth": 0,
    },
    "text": {"color": INK[0], "fontSize": 11},
}

# A time in nanoseconds, as an axis shows it.
TIME = (
    "datum.value >= 1e9 ? datum.value / 1e9 + ' s' : datum.value >= 1e6 ? datum.value / 1e6 + ' ms'"
    " : datum.value >= 1e3 ? datum.value / 1e3 + ' µs' : datum.value + ' ns'"
)


def time(nanos: float) -> str:
    """A time with about three digits."""
    for unit, size in [("s", 1e9), ("ms", 1e6), ("µs", 1e3)]:
        if abs(nanos) >= size:
            return f"{nanos / size:.3g} {unit}"
    return f"{nanos:.0f} ns"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by_percent(row: dict) -> dict[str, float]:
    return {f"p{percent:g}".replace(".", ""): value for percent, value in row["nanoseconds"]}


def names_in_order(field: str, names: list[str]) -> dict:
    """Returns an axis with a name for each row, from the top to the bottom."""
    axis = {"domain": False, "ticks": False, "labelPadding": 8}
    return {"field": field, "type": "nominal", "sort": names, "title": None, "axis": axis}


def latency(rows: list[dict]) -> dict:
    values = [by_percent(row) | {"outcome": row["outcome"]} for row in rows]
    for value in values:
        value["label"] = time(value["p50"])
    x = {
        "type": "quantitative",
        "scale": {"type": "log", "nice": True},
        "title": "time of one request (logarithmic)",
        "axis": {"labelExpr": TIME, "values": [10**digits for digits in range(1, 10)]},
    }
    y = names_in_order("outcome", [value["outcome"] for value in values])

    def layer(mark: dict, field: str, to: str | None = None) -> dict:
        encoding = {"y": y, "x": x | {"field": field}}
        return {"mark": mark, "encoding": encoding | ({"x2": {"field": to}} if to else {})}

    return {
        "title": {
            "text": "Latency of a request by outcome",
            "subtitle": [
                "One task, Redis on the loopback interface. Dot: median. Bar: middle half.",
                "Line: 1st to 99th percentile. Ring: 99.9th percentile.",
            ],
        },
        "width": 520,
        "height": {"step": 34},
        "data": {"values": values},
        "layer": [
            layer({"type": "rule", "color": BLUE[0], "strokeWidth": 1.5}, "p1", "p99"),
            layer({"type": "bar", "color": BLUE[0], "height": 9, "cornerRadius": 2}, "p25", "p75"),
            layer(
                {"type": "point", "filled": False, "color": BLUE[0], "size": 36, "opacity": 1},
                "p999",
            ),
            layer(
                {
                    "type": "point",
                    "filled": True,
                    "color": INK[0],
                    "size": 52,
                    "opacity": 1,
                },
                "p50",
            ),
            layer({"type": "text", "dy": -12}, "p50")
            | {
                "encoding": {
                    "y": y,
                    "x": x | {"field": "p50"},
                    "text": {"field": "label"},
                }
            },
        ],
    }


def latency_table(rows: list[dict]) -> str:
    def line(row: dict) -> list[str]:
        percent = by_percent(row)
        times = [time(percent[name]) for name in ["p50", "p99", "p999"]]
        return [row["outcome"], row["answer"], *times, f"{row['samples']:,}"]

    return table(["outcome", "answer", "p50", "p99", "p99.9", "samples"], [line(row) for row in rows])


def scale(rows: list[dict]) -> dict:
    names = [("hit_ns", "near cache hit (added by the layer)"), ("bare_ns", "request without the layer")]
    values = [
        {"tokens": row["tokens"], "nanos": row[field], "case": name, "label": time(row[field])}
        for row in rows
        for field, name in names
    ]
    color = {
        "field": "case",
        "type": "nominal",
        "scale": {"domain": [name for _, name in names], "range": [BLUE[0], ORANGE[0]]},
    }
    x = {
        "field": "tokens",
        "type": "quantitative",
        "scale": {"type": "log", "padding": 30},
        "title": "live tokens, asked in turn (logarithmic)",
        "axis": {"values": [row["tokens"] for row in rows], "format": ",d", "grid": False},
    }
    y = {
        "field": "nanos",
        "type": "quantitative",
        "title": "time of one request",
        "axis": {"labelExpr": TIME, "tickCount": 6},
    }
    per_token = rows[-1]["bytes_per_token"]
    return {
        "title": {
            "text": "Near cache hits by number of live tokens",
            "subtitle": f"One task, medians. The near cache takes {per_token:,} bytes per token.",
        },
        "width": 520,
        "height": 240,
        "data": {"values": values},
        "encoding": {"x": x, "y": y, "color": color},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}},
            {"mark": {"type": "point", "filled": True, "size": 46, "opacity": 1}},
            {
                "mark": {"type": "text", "dy": -11},
                "encoding": {"text": {"field": "label"}, "color": {"value": INK[0]}},
            },
        ],
    }


def scale_table(rows: list[dict]) -> str:
    def line(row: dict) -> list[str]:
        return [
            f"{row['tokens']:,}",
            time(row["hit_ns"]),
            time(row["bare_ns"]),
            f"{row['bytes_per_token']:,} bytes",
        ]

    head = ["live tokens", "hit, without the bare inner service", "bare inner service", "memory per token"]
    return table(head, [line(row) for row in rows])


def lateness(rows: list[dict]) -> dict:
    [row] = rows
    shown = [(percent, nanos) for percent, nanos in row["curve"] if percent >= 0.5]
    cut = next(nanos for percent, nanos in row["curve"] if percent >= 99.5)
    values = [
        {"millis": nanos / 1e6, "percent": percent} for percent, nanos in shown if nanos <= cut
    ]
    late = row["late"] / row["samples"]
    return {
        "title": {
            "text": "Lateness of a revocation",
            "subtitle": [
                f"{row['samples']:,} samples: one process revokes, {row['servers']} processes send requests in a loop."
                " No fault.",
                f"{late:.1%} are late: accepted after the acknowledgment (99.9th percentile"
                f" {time(by_percent(row)['p999'])}, maximum {time(row['max'])}).",
            ],
        },
        "width": 520,
        "height": 240,
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": ORANGE[0], "strokeDash": [4, 3], "strokeWidth": 1.5},
                "encoding": {"x": {"datum": 0}},
            },
            {
                "data": {"values": [{"text": "revocation acknowledged"}]},
                "mark": {"type": "text", "align": "left", "dx": 6, "color": ORANGE[0]},
                "encoding": {
                    "x": {"datum": 0},
                    "y": {"datum": 8},
                    "text": {"field": "text"},
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "line", "color": BLUE[0], "strokeWidth": 2, "interpolate": "step-after"},
                "encoding": {
                    "x": {
                        "field": "millis",
                        "type": "quantitative",
                        "title": "beginning of the last accepted request, from the acknowledgment (ms)",
                        "axis": {"tickCount": 6, "grid": False},
                    },
                    "y": {
                        "field": "percent",
                        "type": "quantitative",
                        "scale": {"domain": [0, 100]},
                        "title": "share of the samples up to this time (%)",
                    },
                },
            },
        ],
    }


def lateness_table(rows: list[dict]) -> str:
    [row] = rows
    percent = by_percent(row)
    times = [time(percent[name]) for name in ["p50", "p99", "p999"]] + [time(row["max"])]
    late = f"{row['late']:,} ({row['late'] / row['samples']:.1%})"
    head = ["samples", "late", "p50", "p99", "p99.9", "max"]
    return table(head, [[f"{row['samples']:,}", late, *times]])


def operations(rows: list[dict]) -> dict:
    names = [("per_second", "this library"), ("per_second_by_hand", "hand-written, without protection")]
    values = [
        {"operation": row["operation"], "rate": row[field], "side": name, "label": f"{row[field]:,.0f}"}
        for row in rows
        for field, name in names
    ]
    sides = [name for _, name in names]
    y = names_in_order("operation", [row["operation"] for row in rows]) | {"scale": {"paddingInner": 0.3}}
    color = {
        "field": "side",
        "type": "nominal",
        "scale": {"domain": sides, "range": [BLUE[0], ORANGE[0]]},
    }
    encoding = {
        "y": y,
        "yOffset": {"field": "side", "sort": sides},
        "x": {
            "field": "rate",
            "type": "quantitative",
            "title": "operations per second",
            "axis": {"format": ",d", "tickCount": 4},
        },
    }
    return {
        "title": {
            "text": "Operations per second",
            "subtitle": "64 tasks, Redis on the same machine, medians.",
        },
        "width": 480,
        "height": {"step": 17},
        "data": {"values": values},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": {"color": color}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }


def operations_table(rows: list[dict]) -> str:
    def line(row: dict) -> list[str]:
        return [
            row["operation"],
            f"{row['per_second']:,.0f}",
            f"{row['per_second_by_hand']:,.0f}",
            f"{row['redis_cpu_us']:.0f} µs",
            f"{row['redis_cpu_us_by_hand']:.0f} µs",
            f"{row['script_us']:.0f} µs",
        ]

    head = [
        "operation",
        "per second",
        "per second, hand-written",
        "Redis CPU",
        "Redis CPU, hand-written",
        "Redis CPU in the script",
    ]
    return table(head, [line(row) for row in rows])


def requests_table(rows: list[dict]) -> str:
    def line(row: dict) -> list[str]:
        return [row["case"], row["figure"], row["baseline"], f"{row['number']:.3g}", row["limit"]]

    return table(["case", "this library", "baseline", "number", "limit"], [line(row) for row in rows])


def million_table(rows: list[dict]) -> str:
    sessions = [f"{count:,} sessions" for count in rows[0]["sessions"]]
    return table(["", *sessions, "ratio"], [row["cells"] for row in rows])

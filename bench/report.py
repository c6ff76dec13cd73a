# SPDX-License-Identifier: LGPL-2.1-or-later
"""report: what bench/run prints of a measurement: the figure, and what stood behind it."""

import sys

# Per cent of one processor that other programs may take from a run.
DISTURBANCE = 10


def is_disturbed(run):
    return run["others_cpu"] > DISTURBANCE


def is_flawed(run):
    return is_disturbed(run) or run.get("dropped", 0) > 0


def say(text):
    print(text, file=sys.stderr, flush=True)


def milliseconds(microseconds):
    return f"{microseconds / 1000:.2f} ms"


def describe_latencies(run):
    for name, title in (("publish", "accepted"), ("end_to_end", "delivered")):
        if f"{name}_p50_us" in run:
            yield (f"{title} p50 {milliseconds(run[f'{name}_p50_us'])} "
                   f"p99 {milliseconds(run[f'{name}_p99_us'])}")


def describe_processors(run):
    threads = str(run.get("threads", "")).replace(",", " ").replace(":", " ")
    yield f"server {run['server_cpu']:.0f} % ({threads})" if threads else \
        f"server {run['server_cpu']:.0f} %"
    if "server_us_per_delivery" in run:
        yield f"{run['server_us_per_delivery']:.1f} µs a delivery"
    own = f" ({run['generator_us_per_delivery']:.1f} µs a delivery)" \
        if "generator_us_per_delivery" in run else ""
    yield f"generator {run['generator_cpu']:.0f} %{own}"
    yield f"others {run['others_cpu']:.0f} %{' DISTURBED' if is_disturbed(run) else ''}"


def describe_memory(run):
    peak = f", at most {run['peak_mib']:.1f} MiB" if "peak_mib" in run else ""
    return f"{run['rss_mib']:.0f} MiB{peak}"


def describe_losses(run):
    for name in ("lost", "redelivered"):
        if run.get(name):
            yield f"{name.upper()} {run[name]:,.0f}"
    if run.get("dropped"):
        yield f"DROPPED {run['dropped']:,.0f}: NO VALID FIGURE"


def report(name, figure, run):
    details = [*describe_latencies(run), *describe_processors(run), describe_memory(run),
               *describe_losses(run)]
    print(f"{name:<17} {figure}\n{'':<17}   {' · '.join(details)}", flush=True)

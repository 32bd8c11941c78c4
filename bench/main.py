"""bench/run: every benchmark, or those named; a table of figures, each beside its target. Exit status 1 when one is missed."""

import argparse
import json
import platform
import sys
import time

import job_rate
import job_reaction
import job_watch
import large_model
import reaction
import small_output
import snapshot
from figures import table

BENCHMARKS = {
    "model": (large_model.measure, "10,000 datasets: load, lint, graph"),
    "reaction": (reaction.measure, "from a committed source batch to the transformer's code"),
    "output": (small_output.measure, "500 changed rows into small and large targets"),
    "snapshot": (snapshot.measure, "staging and whole snapshot batches beside psql and SQL by hand"),
    "kubernetes-reaction": (job_reaction.measure, "from a committed source batch to the Job of the transformer's code"),
    "kubernetes-rate": (job_rate.measure, "20 Jobs a second, and what each takes here and in the cluster"),
    "kubernetes-watch": (job_watch.measure, "500 runs in flight: watches and memory"),
}


def chosen(names):
    """`kubernetes` is each that begins so."""
    return [name for name in BENCHMARKS if not names or any(name == given or name.startswith(given + "-") for given in names)]


def main():
    parser = argparse.ArgumentParser(
        prog="bench/run", formatter_class=argparse.RawDescriptionHelpFormatter, description="Measures Yellow beside what a person would write by hand, in one run.",
        epilog="benchmarks:\n" + "\n".join(f"  {name:<20} {about}" for name, (_, about) in BENCHMARKS.items()) + "\n\nexamples: bench/run --small model snapshot; bench/run kubernetes")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--small", action="store_true", help="a tenth of the rows: shows that the benchmarks work, not what the targets say")
    parser.add_argument("-o", metavar="FILE", help="write the figures as JSON too")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if not chosen([name])]:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    figures = {}
    for name in chosen(arguments.names):
        measure, about = BENCHMARKS[name]
        started = time.monotonic()
        print(f"{name}: {about}", flush=True)
        figures[name] = measure(arguments.small)
        print(f"{table(figures[name])}\n  ({time.monotonic() - started:.0f} s in all)\n", flush=True)
    if arguments.o:
        with open(arguments.o, "w", encoding="utf-8") as file:
            json.dump({"machine": platform.processor() or platform.machine(), "small": arguments.small,
                       "figures": {name: [vars(f) | {"met": f.met()} for f in list_] for name, list_ in figures.items()}}, file, indent=2)
    return 1 if any(figure.met() is False for list_ in figures.values() for figure in list_) else 0


if __name__ == "__main__":
    sys.exit(main())

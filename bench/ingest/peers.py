"""Peers of bench/ingest: the daily files to 7-day differences, by polars and duckdb.

usage: peers.py polars|polars-sorted|duckdb|duckdb-asof FOLDER

Each reads date, serial number, model and the raw values of 1, 5, 9, 194 and 197,
unpacks attribute 1 of Seagate's drives (errors stand above 32 bits), and takes
from 1, 5, 194 and 197 the value known 7 days before, or the first one when the
drive was not yet seen then. It prints the sums of all values and differences,
which must be those of every other program, and the time: reading the files and
making the columns, without the start of Python and the import of the library.
polars and duckdb are in two forms each; the faster one counts.
"""

import glob
import os
import sys
import time

READ = (1, 5, 9, 194, 197)
DELTAS = (1, 5, 194, 197)
THREADS = os.environ.get("THREADS", "2")


def read_polars(pl, folder):
    raws = [f"smart_{a}_raw" for a in READ]
    lazy = pl.scan_csv(sorted(glob.glob(folder + "/*.csv.gz"))).select(["date", "serial_number", "model", *raws])
    one = pl.col("smart_1_raw")
    return lazy.with_columns(
        pl.col("date").str.to_date("%Y-%m-%d"),
        pl.when(pl.col("model").str.starts_with("ST")).then(one // 2**32).otherwise(one).alias("smart_1_raw"),
    )


def differences(pl, values):
    return [(pl.col(c) - pl.coalesce(c + "_old", c + "_first")).alias(c + "_delta_7d") for c in values]


def polars(what, folder):
    import polars as pl

    values = [f"smart_{a}_raw" for a in DELTAS]
    begin = clocks()
    days = read_polars(pl, folder)
    if what == "polars":  # the files stand in the order of their days
        days = days.collect()
    else:
        days = days.sort("serial_number", "date")
    old = days.select("serial_number", pl.col("date").dt.offset_by("7d"), *[pl.col(c).alias(c + "_old") for c in values])
    first = days.select("serial_number", *[pl.col(c).alias(c + "_first") for c in values]).unique("serial_number", keep="first", maintain_order=True)
    joined = days.join_asof(old, on="date", by="serial_number", check_sortedness=False)
    out = joined.join(first, on="serial_number", how="left").with_columns(differences(pl, values)).lazy().collect()
    took = clocks(begin)
    sums = {"rows": out.height, "smart_9_raw": out["smart_9_raw"].sum()}
    for c in values:
        sums[c], sums[c + "_delta_7d"] = out[c].sum(), out[c + "_delta_7d"].sum()
    return sums, took


def duckdb(what, folder):
    import duckdb as dd

    values = [f"smart_{a}_raw" for a in DELTAS]
    con = dd.connect()
    con.execute(f"set threads = {THREADS}")
    con.execute("set preserve_insertion_order = false")
    begin = clocks()
    con.execute(f"""create temp table r as select date, serial_number,
        case when starts_with(model, 'ST') then smart_1_raw // 4294967296 else smart_1_raw end as smart_1_raw,
        smart_5_raw, smart_9_raw, smart_194_raw, smart_197_raw from read_csv('{folder}/*.csv.gz')""")
    old = ", ".join(f"r.{c} - coalesce(o.{c}, i.{c}) as {c}_delta_7d" for c in values)
    match = "asof left join r o on r.serial_number = o.serial_number and r.date - 7 >= o.date"
    first = "select distinct on (serial_number) * from r order by serial_number, date"
    if what == "duckdb":  # the value known 7 days before is the last of a frame that ends there
        spans = ", ".join(f"last_value({c}) over w as o_{c}, first_value({c}) over (partition by serial_number order by date) as i_{c}" for c in values)
        deltas = ", ".join(f"{c} - coalesce(o_{c}, i_{c}) as {c}_delta_7d" for c in values)
        frame = "(partition by serial_number order by date range between unbounded preceding and interval 7 day preceding)"
        con.execute(f"create temp table f as select *, {deltas} from (select *, {spans} from r window w as {frame})")
    else:
        con.execute(f"create temp table f as select r.*, {old} from r {match} left join ({first}) i on i.serial_number = r.serial_number")
    took = clocks(begin)
    names = ["smart_9_raw", *[n for c in values for n in (c, c + "_delta_7d")]]
    row = con.execute("select count(*), " + ", ".join(f"sum({n})" for n in names) + " from f").fetchone()
    return dict(zip(["rows", *names], row)), took


def clocks(begin=(0.0, 0.0)):
    return time.perf_counter() - begin[0], time.process_time() - begin[1]


def main():
    what, folder = sys.argv[1:]
    os.environ.setdefault("POLARS_MAX_THREADS", THREADS)
    sums, (wall, cpu) = (polars if what.startswith("polars") else duckdb)(what, folder)
    for name in sorted(sums):
        print("sum", name.replace("_raw_delta", "_delta"), int(sums[name]))
    print(f"{what} wall {wall:.3f} cpu {cpu:.3f}")


main()

"""Runs init() and run(batch) of a user's script over mini batches.

Node AZUREML_NODE_RANK of `nodes` takes every nodes-th batch. Each worker is a
process of its own. The length of what run() returns says how many items of the
batch succeeded; its rows are appended to one file, in the order of the batches.
"""
import importlib.util
import json
import multiprocessing
import os
import shlex
import sys
import traceback


def batches(settings):
    """Yields lists of files, or data frames for sizes in bytes."""
    source = settings["input"]
    files = [source]
    if os.path.isdir(source):
        files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names)
    if not settings["batch_bytes"]:
        size = settings["batch_size"]
        yield from (files[i:i + size] for i in range(0, len(files), size))
        return
    import pandas
    for name in files:
        table = pandas.read_parquet(name) if name.endswith(".parquet") else pandas.read_csv(name)
        rows = max(1, int(len(table) * settings["batch_size"] / max(1, os.path.getsize(name))))
        yield from (table.iloc[i:i + rows] for i in range(0, len(table), rows))


def load(settings):
    script = settings["script"]
    sys.argv = [script] + shlex.split(settings["arguments"])
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    spec = importlib.util.spec_from_file_location("entry", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if hasattr(module, "init"):
        module.init()
    return module


def work(settings, tasks, results):
    module = load(settings)
    for number, batch in iter(tasks.get, None):
        rows, fault = None, ""
        for _ in range(settings["retries"] + 1):
            try:
                answer = module.run(batch)
                rows, fault = rows_of(answer), ""
                break
            except Exception:
                fault = traceback.format_exc()
        results.put((number, len(batch), rows, fault))


def rows_of(answer):
    """Returns a list of text rows: a data frame without header, or str of each item."""
    if hasattr(answer, "to_csv"):
        return answer.to_csv(index=False, header=False, sep=" ").splitlines()
    return [str(item) for item in answer]


def main():
    with open(sys.argv[1]) as f:
        settings = json.load(f)
    rank, nodes = int(os.environ.get("AZUREML_NODE_RANK", "0")), settings["nodes"]
    mine = [(n, b) for n, b in enumerate(batches(settings)) if n % nodes == rank]
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    tasks, results = context.Queue(), context.Queue()
    workers = [context.Process(target=work, args=(settings, tasks, results)) for _ in range(min(settings["workers"], max(1, len(mine))))]
    for w in workers:
        w.start()
    for task in mine:
        tasks.put(task)
    for _ in workers:
        tasks.put(None)
    done, failed_items, failed_batches = {}, 0, 0
    while len(done) < len(mine):
        try:
            number, size, rows, fault = results.get(timeout=1)
        except Exception:
            if not any(w.is_alive() for w in workers):
                sys.exit("the workers ended before every batch was done")
            continue
        done[number] = rows or []
        if rows is None:
            print(f"batch {number} failed\n{fault}", file=sys.stderr)
            failed_batches += 1
            failed_items += size
        else:
            failed_items += max(0, size - len(rows))
    for w in workers:
        w.join()
    if settings["append_row_to"]:
        with open(settings["append_row_to"], "a") as f:
            for number in sorted(done):
                f.writelines(row + "\n" for row in done[number])
    print(f"{len(mine)} batches, {failed_batches} failed, {failed_items} items failed")
    for failed, limit, what in ((failed_items, settings["error_threshold"], "items"), (failed_batches, settings["batch_threshold"], "batches")):
        if 0 <= limit < failed:
            sys.exit(f"{failed} {what} failed, {limit} are borne")


if __name__ == "__main__":
    main()

"""The grammar of searches, their order and their pages."""

import math

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from kit import MAJOR, client, experiment, fresh, refused, run, same


def fleet():
    """Six runs: a..f, with metric loss 1..4, NaN and none."""
    c, eid = client(), experiment()
    ids = {}
    for i, (name, loss) in enumerate(zip("abcdef", (1, 2, 3, 4, math.nan, None))):
        rid = c.create_run(eid, start_time=1000 * (i + 1), run_name=f"run-{name}", tags={"who": name, "kind": "odd" if i % 2 else "even"}).info.run_id
        metrics = [] if loss is None else [Metric("loss", loss, 1, 0), Metric("a b/c.d", loss, 1, 0)]
        c.log_batch(rid, metrics=metrics, params=[Param("p", str(i)), Param("Word", f"V{name}")])
        ids[rid] = name
    return c, eid, ids


def found(c, eid, ids, text, order=("attributes.start_time ASC",)):
    return "".join(ids[r.info.run_id] for r in c.search_runs([eid], text, order_by=list(order)))


def check_run_filters():
    c, eid, ids = fleet()
    for text, want in {
        "": "abcdef",
        "metrics.loss > 2": "cd",
        "metrics.loss >= 2 and metrics.loss < 4": "bc",
        "metrics.loss = 1.0": "a",
        "metrics.loss <= 1e0": "a",
        "metrics.`a b/c.d` > 3": "d",
        'metrics."a b/c.d" > 3': "d",
        "params.p = '1'": "b",
        'params.p = "1"': "b",
        "parameter.p != '1'": "acdef",
        "params.nobody != '1'": "",
        "params.Word LIKE 'V%'": "abcdef",
        "params.Word LIKE 'v%'": "",
        "params.Word ILIKE 'v_'": "abcdef",
        "tags.who = 'c'": "c",
        "tag.kind LIKE 'ev%' AND tags.who != 'a'": "ce",
        "tags.kind ILIKE 'EV%'": "ace",
        "attributes.run_name = 'run-d'": "d",
        "run_name LIKE 'run-%'": "abcdef",
        "attr.`run name` = 'run-d'": "d",
        "attributes.status = 'RUNNING'": "abcdef",
        "status != 'RUNNING'": "",
        "start_time > 3000": "def",
        "attributes.start_time >= 3000 AND attributes.start_time <= 4000": "cd",
        "attributes.created = 2000": "b",
        "tags.`who`='b'": "b",
        "tags.who = 'a' AND params.p = '0' and metrics.loss = 1 And run_name = 'run-a'": "a",
    }.items():
        got = found(c, eid, ids, text)
        assert got == want, f"{text!r} found {got!r}, want {want!r}"
    rid = next(r for r, n in ids.items() if n == "c")
    same(found(c, eid, ids, f"attributes.run_id = '{rid}'"), "c")
    same(found(c, eid, ids, f"attributes.run_id IN ('{rid}', 'other')"), "c")
    same(found(c, eid, ids, f"attributes.run_id NOT IN ('{rid}')"), "abdef")
    same(found(c, eid, ids, f"artifact_uri LIKE '%/{rid}/%'"), "c")
    if MAJOR >= 3:
        # Only servers of MLflow 3 know these.
        c.set_tag(rid, "rare", "1")
        same(found(c, eid, ids, "tags.rare IS NOT NULL"), "c")
        same(found(c, eid, ids, "tags.rare IS NULL"), "abdef")
        same(found(c, eid, ids, "params.rare IS NULL"), "abcdef")


def check_refused_filters():
    c, eid, _ = fleet()
    for text in (
        "metrics.loss > '2'", "params.p > '1'", "params.p = 1", "tags.who = c", "metrics.loss LIKE '1%'", "nobody.x = '1'",
        "attributes.nobody = '1'", "metrics.loss > 1 OR metrics.loss < 0", "(metrics.loss > 1)", "metrics.loss", "metrics.loss >",
        "> 1", "metrics.loss > 1; DROP TABLE runs", "params.p = 'unclosed",
        "attributes.start_time = 'x'", "attributes.run_name > 'a'", "metrics.loss 1", "metrics.loss == 1", "tags.who IN ('a')",
        "start_time LIKE '1%'", "attributes.run_name IN ('a', b)",
    ):
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_runs([eid], text)


def check_run_order():
    c, eid, ids = fleet()
    for order, want in (
        (["metrics.loss ASC"], "abcdef"),
        (["metrics.loss DESC"], "dcbaef"),
        (["metrics.loss"], "abcdef"),
        (["params.p DESC"], "fedcba"),
        (["tags.kind", "tags.who DESC"], "ecafdb"),
        (["tag.kind desc", "param.p asc"], "bdface"),
        (["attributes.start_time DESC"], "fedcba"),
        (["start_time"], "abcdef"),
        (["attribute.run_name DESC"], "fedcba"),
        ([], "fedcba"),
        (["metrics.`a b/c.d` DESC"], "dcbaef"),
        (["params.nobody", "start_time"], "abcdef"),
    ):
        same((order, found(c, eid, ids, "", order)), (order, want))
    for bad in (["metrics.loss UP"], ["nobody.x"], ["metrics.loss ASC DESC"], [""], ["attributes.nobody"], ["ACS"]):
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_runs([eid], order_by=bad)


def check_run_pages():
    c, eid, ids = fleet()
    for order in (["metrics.loss DESC"], ["start_time"], [], ["tags.kind", "metrics.loss"], ["params.nobody"]):
        whole = [r.info.run_id for r in c.search_runs([eid], order_by=order)]
        for size in (1, 2, 4, 6, 7):
            got, token, pages = [], None, 0
            while True:
                page = c.search_runs([eid], order_by=order, max_results=size, page_token=token)
                assert len(page) <= size
                got += [r.info.run_id for r in page]
                token, pages = page.token, pages + 1
                if not token:
                    break
                assert pages <= 6, "the pages do not end"
            same((order, size, got), (order, size, whole))
    with refused("INVALID_PARAMETER_VALUE"):
        c.search_runs([eid], page_token="garbage!")
    with refused("INVALID_PARAMETER_VALUE"):
        c.search_runs([eid], max_results=50001)


def check_runs_of_several_experiments():
    c, one, two = client(), experiment(), experiment()
    a, b = run(one), run(two)
    same({r.info.run_id for r in c.search_runs([one, two])}, {a, b})
    same({r.info.run_id for r in c.search_runs([one])}, {a})
    same(c.search_runs([]), [])
    same(c.search_runs(["987654321"]), [])


def check_runs_as_a_table():
    c, eid, ids = fleet()
    df = mlflow.search_runs([eid], order_by=["start_time"])
    same(list(df["tags.who"]), list("abcdef"))
    same(list(df["params.p"]), [str(i) for i in range(6)])
    same(list(df["metrics.loss"])[:4], [1, 2, 3, 4])
    assert math.isnan(df["metrics.loss"][4]) and math.isnan(df["metrics.loss"][5])


def check_experiments():
    c, mark = client(), fresh("mark")
    names = [f"{mark}-{x}" for x in ("b", "a", "C")]
    ids = [c.create_experiment(n, tags={"mark": mark, "n": str(i)}) for i, n in enumerate(names)]

    def find(text, **kw):
        return [e.name[len(mark) + 1:] for e in c.search_experiments(filter_string=text, **kw)]
    by = f"tags.mark = '{mark}'"
    same(find(by), ["C", "a", "b"])
    same(find(by, order_by=["name ASC"]), ["C", "a", "b"])
    same(find(by, order_by=["experiment_id"]), ["b", "a", "C"])
    same(find(f"name LIKE '{mark}-%' AND tags.n != '1'", order_by=["experiment_id"]), ["b", "C"])
    same(find(f"name ILIKE '{mark.upper()}-c'"), ["C"])
    same(find(f"attribute.name = '{names[1]}'"), ["a"])
    same(find(f"{by} AND creation_time > 0 AND last_update_time >= 0", order_by=["creation_time DESC", "experiment_id ASC"])[:0], [])
    got, token = [], None
    while True:
        page = c.search_experiments(filter_string=by, max_results=1, order_by=["experiment_id"], page_token=token)
        got += [e.experiment_id for e in page]
        token = page.token
        if not token:
            break
    same(got, ids)
    c.delete_experiment(ids[0])
    same(find(by), ["C", "a"])
    same(find(by, view_type=ViewType.DELETED_ONLY), ["b"])
    same(find(by, view_type=ViewType.ALL), ["C", "a", "b"])
    for bad in ("nobody = '1'", "name > 'a'", "params.x = '1'", "creation_time = 'x'", "name = a"):
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_experiments(filter_string=bad)
    for bad in (["nobody"], ["name UP"]):
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_experiments(order_by=bad)

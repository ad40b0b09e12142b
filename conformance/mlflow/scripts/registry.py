"""The model registry: versions, stages, aliases, tags and searches."""

import time

from kit import MAJOR, client, fresh, ours, refused, run, same


def model(c, n=0):
    name, rid = fresh("model"), run()
    c.create_registered_model(name)
    source = c.get_run(rid).info.artifact_uri + "/m"
    for _ in range(n):
        c.create_model_version(name, source, rid)
    return name, source, rid


def check_registered_model():
    c, name = client(), fresh("model")
    m = c.create_registered_model(name, tags={"a": "1"}, description="what it does")
    same((m.name, m.description, m.tags), (name, "what it does", {"a": "1"}))
    with refused("RESOURCE_ALREADY_EXISTS", "already exists"):
        c.create_registered_model(name)
    same(c.update_registered_model(name, "new text").description, "new text")
    c.set_registered_model_tag(name, "a", "2")
    c.set_registered_model_tag(name, "b", "3")
    c.delete_registered_model_tag(name, "a")
    c.delete_registered_model_tag(name, "nobody")
    m = c.get_registered_model(name)
    same((m.tags, m.latest_versions), ({"b": "3"}, []))
    assert abs(m.creation_timestamp - time.time() * 1000) < 60_000 and m.last_updated_timestamp >= m.creation_timestamp
    other = fresh("renamed")
    c.rename_registered_model(name, other)
    with refused("RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found"):
        c.get_registered_model(name)
    same(c.get_registered_model(other).tags, {"b": "3"})
    c.create_registered_model(name)
    with refused("RESOURCE_ALREADY_EXISTS"):
        c.rename_registered_model(name, other)
    c.delete_registered_model(other)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        c.get_registered_model(other)
    with refused("INVALID_PARAMETER_VALUE"):
        c.create_registered_model("")


def check_versions():
    c = client()
    name, source, rid = model(c)
    v = c.create_model_version(name, source, rid, tags={"gate": "passed"}, description="first")
    same((v.name, int(v.version), v.current_stage, v.status, v.source, v.run_id, v.description, v.tags),
         (name, 1, "None", "READY", source, rid, "first", {"gate": "passed"}))
    same(int(c.create_model_version(name, source, rid).version), 2)
    same(c.update_model_version(name, "1", "other").description, "other")
    c.set_model_version_tag(name, "1", "k", "v")
    c.delete_model_version_tag(name, "1", "gate")
    same(c.get_model_version(name, "1").tags, {"k": "v"})
    same(c.get_model_version_download_uri(name, "1"), source)
    c.delete_model_version(name, "2")
    with refused("RESOURCE_DOES_NOT_EXIST", f"Model Version .name={name}, version=2. not found"):
        c.get_model_version(name, "2")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        c.create_model_version(fresh("nobody"), source, rid)
    for bad in ("x", "0x1"):
        with refused("INVALID_PARAMETER_VALUE"):
            c.get_model_version(name, bad)


def check_version_numbers_are_not_reused():
    c = client()
    name, source, rid = model(c, 3)
    c.delete_model_version(name, "3")
    c.delete_model_version(name, "1")
    same(int(c.create_model_version(name, source, rid).version), 4)


def check_stages():
    c = client()
    name, _, _ = model(c, 3)
    same(c.transition_model_version_stage(name, "1", "staging").current_stage, "Staging")
    same(c.transition_model_version_stage(name, "2", "Production").current_stage, "Production")
    got = c.transition_model_version_stage(name, "3", "PRODUCTION", archive_existing_versions=True)
    same(got.current_stage, "Production")
    same(c.get_model_version(name, "2").current_stage, "Archived")
    latest = {v.current_stage: int(v.version) for v in c.get_latest_versions(name)}
    same(latest, {"Staging": 1, "Archived": 2, "Production": 3})
    same([int(v.version) for v in c.get_latest_versions(name, ["Production"])], [3])
    same({v.current_stage: int(v.version) for v in c.get_registered_model(name).latest_versions}, latest)
    with refused("INVALID_PARAMETER_VALUE", "Invalid Model Version stage"):
        c.transition_model_version_stage(name, "1", "Nowhere")
    if ours():  # MLflow answers 500, and clients try that again for minutes
        with refused("INVALID_PARAMETER_VALUE"):
            c.transition_model_version_stage(name, "1", "None", archive_existing_versions=True)
    with refused("INVALID_PARAMETER_VALUE"):
        c.get_latest_versions(name, ["Nowhere"])


def check_aliases():
    c = client()
    name, _, _ = model(c, 2)
    c.set_registered_model_alias(name, "champion", "1")
    c.set_registered_model_alias(name, "challenger", "2")
    same(int(c.get_model_version_by_alias(name, "champion").version), 1)
    c.set_registered_model_alias(name, "champion", "2")
    same(int(c.get_model_version_by_alias(name, "champion").version), 2)
    same(sorted(c.get_model_version(name, "2").aliases), ["challenger", "champion"])
    same(c.get_model_version(name, "1").aliases, [])
    same({k: int(v) for k, v in c.get_registered_model(name).aliases.items()}, {"champion": 2, "challenger": 2})
    c.delete_registered_model_alias(name, "challenger")
    c.delete_registered_model_alias(name, "challenger")
    with refused("INVALID_PARAMETER_VALUE", "Registered model alias challenger not found"):
        c.get_model_version_by_alias(name, "challenger")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        c.set_registered_model_alias(name, "champion", "9")
    for bad in ("latest", "v12", "a b", "a" * 256):
        with refused("INVALID_PARAMETER_VALUE"):
            c.set_registered_model_alias(name, bad, "1")
    c.delete_model_version(name, "2")
    with refused("INVALID_PARAMETER_VALUE"):
        c.get_model_version_by_alias(name, "champion")


def check_rename_keeps_everything():
    c = client()
    name, _, _ = model(c, 2)
    c.set_registered_model_alias(name, "champion", "2")
    c.set_model_version_tag(name, "1", "k", "v")
    c.set_registered_model_tag(name, "k", "v")
    other = fresh("renamed")
    c.rename_registered_model(name, other)
    same(int(c.get_model_version_by_alias(other, "champion").version), 2)
    same(c.get_model_version(other, "1").tags, {"k": "v"})
    same(c.get_registered_model(other).tags, {"k": "v"})


def check_search_models():
    c, mark = client(), fresh("mark")
    names = [f"{mark}-{x}" for x in ("b", "a", "C")]
    for i, n in enumerate(names):
        c.create_registered_model(n, tags={"mark": mark, "n": str(i)})

    def find(text=f"name LIKE '{mark}%'", **kw):
        return [m.name[len(mark) + 1:] for m in c.search_registered_models(text, **kw)]
    same(sorted(find()), ["C", "a", "b"])
    same(find(f"name = '{names[0]}'"), ["b"])
    same(find(f"name ILIKE '{mark.upper()}-c'"), ["C"])
    same(sorted(find(f"tags.mark = '{mark}' and tags.n != '1'")), ["C", "b"])
    same(find(order_by=["name DESC"]), ["b", "a", "C"])
    same(find(order_by=["last_updated_timestamp ASC", "name"])[:0], [])
    same(find("name = 'nobody'"), [])
    got, token = [], None
    while True:
        page = c.search_registered_models(f"name LIKE '{mark}%'", max_results=2, order_by=["name ASC"], page_token=token)
        got += [m.name for m in page]
        token = page.token
        if not token:
            break
    same(got, sorted(names))
    for bad in ("nobody = '1'", "name > 'a'", "metrics.a > 1", "name = a", "run_id = '1'"):
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_registered_models(bad)
    with refused("INVALID_PARAMETER_VALUE"):
        c.search_registered_models(order_by=["nobody"])


def check_search_versions():
    c = client()
    name, source, rid = model(c, 3)
    c.set_model_version_tag(name, "2", "k", "v")
    one = f"name = '{name}'"

    def find(text, **kw):
        return sorted(int(v.version) for v in c.search_model_versions(text, **kw))
    same(find(one), [1, 2, 3])
    same(find(f"{one} and run_id = '{rid}'"), [1, 2, 3])
    same(find(f"run_id IN ('{rid}', 'other')"), [1, 2, 3])
    same(find(f"{one} and source_path = '{source}'"), [1, 2, 3])
    same(find(f"{one} and tags.k = 'v'"), [2])
    same(find(f"{one} and tags.k != 'v'"), [])
    same(find(f"{one} and version_number > 1"), [2, 3])
    same(find(f"name LIKE '{name[:-1]}%'"), [1, 2, 3])
    same([int(v.version) for v in c.search_model_versions(one, order_by=["version_number DESC"])], [3, 2, 1])
    got, token = [], None
    while True:
        page = c.search_model_versions(one, max_results=2, order_by=["version_number ASC"], page_token=token)
        got += [int(v.version) for v in page]
        token = page.token
        if not token:
            break
    same(got, [1, 2, 3])
    c.delete_model_version(name, "2")
    same(find(one), [1, 3])
    for bad in ("nobody = '1'", "version_number = 'x'", "name = a", "params.a = '1'"):
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_model_versions(bad)


def check_sources_are_checked():
    c = client()
    name, source, rid = model(c)
    for bad in ("file:///etc", "/etc", "//proc/self/root", "s3://bucket/a/../../b", "https://host/a/..%2f..%2fb", source + "/../../x", "..%2f..%2f"):
        with refused("INVALID_PARAMETER_VALUE"):
            c.create_model_version(name, bad, rid)
    same(c.search_model_versions(f"name = '{name}'"), [])
    c.create_model_version(name, "s3://bucket/models/x", rid)


def check_prompts_are_hidden():
    if MAJOR < 3:
        return
    import mlflow
    name = fresh("prompt")
    p = mlflow.genai.register_prompt(name=name, template="How long will {{drive}} last?", commit_message="first")
    same((p.name, p.version), (name, 1))
    same(mlflow.genai.load_prompt(f"prompts:/{name}/1").template, "How long will {{drive}} last?")
    same([m.name for m in client().search_registered_models(f"name = '{name}'")], [])

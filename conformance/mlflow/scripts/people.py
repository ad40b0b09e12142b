"""Users, permissions and tokens, as MLflow's own AuthServiceClient and clients
use them. Arguments: the server, then the admin's name; the admin's password is
in ADMIN_PASSWORD. Prints "ok" at the end."""

import os
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
url, admin = sys.argv[1:3]
os.environ.update(MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", GIT_PYTHON_REFRESH="quiet", MLFLOW_FLASK_SERVER_SECRET_KEY="x", SETUPTOOLS_USE_DISTUTILS="stdlib",
                  MLFLOW_TRACKING_URI=url, MLFLOW_AUTH_ADMIN_PASSWORD=os.environ["ADMIN_PASSWORD"])
os.chdir(tempfile.mkdtemp())  # importing the client makes a database of its own

import mlflow  # noqa: E402
from kit import client, fresh, refused, same  # noqa: E402
from mlflow.server.auth.client import AuthServiceClient  # noqa: E402

mlflow.set_tracking_uri(url)
users = AuthServiceClient(url)
PASSWORDS = {admin: os.environ["ADMIN_PASSWORD"]}


def become(name, password=None):
    os.environ.pop("MLFLOW_TRACKING_TOKEN", None)
    os.environ.update(MLFLOW_TRACKING_USERNAME=name, MLFLOW_TRACKING_PASSWORD=password or PASSWORDS[name])


def person(what):
    name = fresh(what)
    PASSWORDS[name] = name + "-password"
    become(admin)
    same(users.create_user(name, PASSWORDS[name]).username, name)
    return name


def allow(name, kind, thing, level):
    """Both ways in which clients have said it."""
    if hasattr(users, "grant_user_permission"):
        users.grant_user_permission(name, kind, thing, level)
        same(users.get_user_permission(name, kind, thing).permission, level)
    elif kind == "experiment":
        same(users.create_experiment_permission(thing, name, level).permission, level)
        same(users.get_experiment_permission(thing, name).experiment_id, thing)
    else:
        same(users.create_registered_model_permission(thing, name, level).permission, level)


def change(name, thing, level):
    if hasattr(users, "update_experiment_permission"):
        users.update_experiment_permission(thing, name, level)
        same(users.get_experiment_permission(thing, name).permission, level)
    else:
        users.revoke_user_permission(name, "experiment", thing)
        users.grant_user_permission(name, "experiment", thing, level)
        same(users.get_user_permission(name, "experiment", thing).permission, level)


def check_accounts():
    bob = person("bob")
    with refused("RESOURCE_ALREADY_EXISTS"):
        users.create_user(bob, "another password")
    with refused("INVALID_PARAMETER_VALUE", "12 characters"):
        users.create_user(fresh("short"), "short")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        users.get_user(fresh("nobody"))
    users.update_user_admin(bob, True)
    same(users.get_user(bob).is_admin, True)
    users.update_user_admin(bob, False)
    become(bob)
    same(users.get_user(bob).is_admin, False)
    for f in (lambda: users.get_user(admin), lambda: users.create_user(fresh("x"), "long enough a password"), lambda: users.update_user_admin(bob, True), lambda: users.delete_user(admin)):
        with refused("PERMISSION_DENIED", "Permission denied."):
            f()
    become(admin)
    users.update_user_password(bob, "quite another one")
    become(bob)
    with refused("UNAUTHENTICATED", "You are not authenticated."):
        client().search_experiments()
    become(bob, "quite another one")
    client().search_experiments()
    become(admin)
    users.delete_user(bob)
    become(bob, "quite another one")
    with refused("UNAUTHENTICATED"):
        client().search_experiments()


def check_experiments():
    bob, eve = person("bob"), person("eve")
    become(bob)
    eid = client().create_experiment(fresh("bobs"))
    with mlflow.start_run(experiment_id=eid) as r:
        mlflow.log_params({"a": 1})
        mlflow.log_metrics({"m": 0.5})
        mlflow.log_text("hello", "a/b.txt")
    become(eve)  # the default is READ
    same(client().get_run(r.info.run_id).data.metrics, {"m": 0.5})
    same(mlflow.artifacts.load_text(f"runs:/{r.info.run_id}/a/b.txt"), "hello")
    with refused("PERMISSION_DENIED"):
        client().set_tag(r.info.run_id, "k", "v")
    with refused("PERMISSION_DENIED"):
        client().create_run(eid)
    with refused("PERMISSION_DENIED"):
        allow(eve, "experiment", eid, "MANAGE")
    become(bob)
    allow(eve, "experiment", eid, "EDIT")
    become(eve)
    client().set_tag(r.info.run_id, "k", "v")
    with refused("PERMISSION_DENIED"):
        client().delete_run(r.info.run_id)
    become(bob)
    change(eve, eid, "NO_PERMISSIONS")
    become(eve)
    with refused("PERMISSION_DENIED"):
        client().get_run(r.info.run_id)
    assert eid not in {e.experiment_id for e in client().search_experiments()}
    same(len(client().search_runs([eid])), 0)
    try:
        mlflow.artifacts.load_text(f"mlflow-artifacts:/{eid}/{r.info.run_id}/artifacts/a/b.txt")
    except Exception as e:
        assert "403" in str(e) or "denied" in str(e), e
    else:
        raise AssertionError("a file was handed out")
    become(bob)
    same(len(client().search_runs([eid])), 1)


def check_models():
    bob, eve = person("bob"), person("eve")
    become(bob)
    name = fresh("disks")
    client().create_registered_model(name)
    v = client().create_model_version(name, "s3://bucket/m")
    become(eve)
    same(client().get_model_version(name, v.version).name, name)
    for f in (lambda: client().transition_model_version_stage(name, v.version, "Staging"), lambda: client().delete_registered_model(name), lambda: client().create_model_version(name, "s3://bucket/n")):
        with refused("PERMISSION_DENIED"):
            f()
    become(bob)
    allow(eve, "registered_model", name, "EDIT")
    become(eve)
    client().transition_model_version_stage(name, v.version, "Staging")
    become(bob)
    client().rename_registered_model(name, name + "-2")
    become(eve)
    client().update_registered_model(name + "-2", "eve may still")


def check_roles():
    if not hasattr(users, "create_role"):
        return
    bob, eve = person("bob"), person("eve")
    become(bob)
    eid = client().create_experiment(fresh("bobs"))
    become(admin)
    role = users.create_role("default", fresh("ops"), "who keeps disks")
    p = users.add_role_permission(role.id, "experiment", eid, "EDIT")
    same(users.update_role_permission(p.id, "MANAGE").permission, "MANAGE")
    same([x.permission for x in users.list_role_permissions(role.id)], ["MANAGE"])
    same(users.assign_role(eve, role.id).role_id, role.id)
    same([r.id for r in users.list_user_roles(eve)], [role.id])
    same(len(users.list_role_users(role.id)), 1)
    assert role.id in {r.id for r in users.list_roles("default")} and role.id in {r.id for r in users.list_all_roles()}
    become(eve)
    client().rename_experiment(eid, fresh("eves"))
    become(admin)
    same(users.update_role(role.id, description="d").description, "d")
    users.unassign_role(eve, role.id)
    become(eve)
    with refused("PERMISSION_DENIED"):
        client().rename_experiment(eid, fresh("eves"))
    become(admin)
    users.remove_role_permission(p.id)
    users.delete_role(role.id)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        users.get_role(role.id)


def check_tokens():
    import requests
    bob = person("bob")
    body = {"name": "a test", "scope": "read", "days": 1}
    got = requests.post(url + "/api/2.0/drivecast/tokens/create", json=body, auth=(bob, PASSWORDS[bob]), timeout=30)
    same(got.status_code, 200)
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        os.environ.pop(name, None)
    os.environ["MLFLOW_TRACKING_TOKEN"] = got.json()["token"]
    client().search_experiments()
    with refused("PERMISSION_DENIED"):
        client().create_experiment(fresh("with-a-token"))
    os.environ["MLFLOW_TRACKING_TOKEN"] = "dct_x_y"
    with refused("UNAUTHENTICATED"):
        client().search_experiments()
    os.environ.pop("MLFLOW_TRACKING_TOKEN")


for check in (check_accounts, check_experiments, check_models, check_roles, check_tokens):
    check()
print("ok")

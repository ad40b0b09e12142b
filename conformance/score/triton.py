"""Asks a drivecast server with Triton's own clients, over HTTP and gRPC, and with a
KServe body, and compares with what two stumps answer: more than .5 of the first
column is class 1 with probability expit(leaf)."""
import gzip
import math
import sys

import grpc
import numpy as np
import requests
import tritonclient.grpc as g
import tritonclient.http as h
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as rpc
from tritonclient.utils import InferenceServerException


def answers(leaf, errors):
    p = np.array([1 / (1 + math.exp(-(leaf if e > 0.5 else -leaf))) for e in errors])
    return np.stack([1 - p, p], axis=1)


def same(r, leaf, errors, what):
    got, want = r.as_numpy("predict_proba"), answers(leaf, errors)
    assert got.shape == want.shape and np.abs(got - want).max() < 1e-12, (what, got, want)
    assert r.as_numpy("predict").tolist() == [int(e > 0.5) for e in errors], (what, r.as_numpy("predict"))


def refused(call, text, what):
    try:
        call()
    except InferenceServerException as e:
        assert text in str(e), (what, str(e))
        return
    raise AssertionError(f"{what}: nothing was refused")


def client(kind, lib, url):
    c = lib.InferenceServerClient(url)
    assert c.is_server_live() and c.is_server_ready(), kind
    assert c.is_model_ready("disks") and c.is_model_ready("disks", "1") and c.is_model_ready("other")
    assert not c.is_model_ready("nobody"), kind
    about, server = c.get_model_metadata("disks"), c.get_server_metadata()
    if kind == "grpc":
        names, name = [i.name for i in about.inputs], server.name
    else:
        names, name = [i["name"] for i in about["inputs"]], server["name"]
    assert names == ["errors", "age"] and name == "drivecast", (names, name)
    for model, leaf in (("disks", 1), ("other", 2)):
        for dtype, np_type in (("FP64", np.float64), ("FP32", np.float32), ("INT64", np.int64), ("INT8", np.int8), ("UINT16", np.uint16), ("FP16", np.float16)):
            x = np.array([[0, 1], [9, 0], [3, 7]], dtype=np_type)
            i = lib.InferInput("x", x.shape, dtype)
            i.set_data_from_numpy(x)
            o = [lib.InferRequestedOutput("predict"), lib.InferRequestedOutput("predict_proba")]
            same(c.infer(model, [i], outputs=o, request_id="7"), leaf, [0, 9, 3], (kind, model, dtype))
        a = lib.InferInput("age", [2], "INT32")
        a.set_data_from_numpy(np.array([5, 6], dtype=np.int32))
        b = lib.InferInput("errors", [2, 1], "FP32")
        b.set_data_from_numpy(np.array([[9], [0]], dtype=np.float32))
        same(c.infer(model, [a, b]), leaf, [9, 0], (kind, model, "columns"))
        many = np.arange(60000, dtype=np.float64).reshape(-1, 2) % 3
        i = lib.InferInput("x", many.shape, "FP64")
        i.set_data_from_numpy(many)
        for packing in (None, "gzip"):
            option = {"compression_algorithm" if kind == "grpc" else "request_compression_algorithm": packing}
            same(c.infer(model, [i], **option), leaf, many[:, 0], (kind, model, "many", packing))
    refused(lambda: c.infer("nobody", [i]), 'no model "nobody"', kind)
    refused(lambda: c.infer("disks", [i], model_version="9"), 'no version "9"', kind)
    refused(lambda: c.infer("disks", [a]), "errors", kind)
    refused(lambda: c.infer("disks", [i], outputs=[lib.InferRequestedOutput("z")]), 'no output "z"', kind)
    c.close()


def typed(url):
    """Requests whose tensors are typed contents, as the protocol's plain form is."""
    stub = rpc.GRPCInferenceServiceStub(grpc.insecure_channel(url))
    q = pb.ModelInferRequest(model_name="disks", id="a")
    t = q.inputs.add(name="errors", datatype="FP64", shape=[2])
    t.contents.fp64_contents.extend([9, 0])
    t = q.inputs.add(name="age", datatype="INT32", shape=[2])
    t.contents.int_contents.extend([-1, 4])
    r = stub.ModelInfer(q)
    assert (r.model_name, r.model_version, r.id) == ("disks", "1", "a"), r
    assert list(r.outputs[0].contents.int64_contents) == [1, 0], r
    assert np.abs(np.array(r.outputs[1].contents.fp64_contents).reshape(2, 2) - answers(1, [9, 0])).max() < 1e-12, r
    for change, code in ((lambda q: q.inputs[0].shape.append(3), grpc.StatusCode.INVALID_ARGUMENT), (lambda q: setattr(q, "model_name", "x"), grpc.StatusCode.NOT_FOUND)):
        bad = pb.ModelInferRequest()
        bad.CopyFrom(q)
        change(bad)
        try:
            stub.ModelInfer(bad)
            raise AssertionError("nothing was refused")
        except grpc.RpcError as e:
            assert e.code() == code, e
    try:
        stub.RepositoryIndex(pb.RepositoryIndexRequest())
        raise AssertionError("there is a repository")
    except grpc.RpcError as e:
        assert e.code() == grpc.StatusCode.UNIMPLEMENTED, e


def kserve(url):
    """The body of KServe's documentation of its second protocol, for two columns."""
    body = {"inputs": [{"name": "input-0", "shape": [2, 2], "datatype": "FP32", "data": [[6.8, 2.8], [0.1, 3.4]]}]}
    for packed in (False, True):
        r = requests.post(f"http://{url}/v2/models/disks/infer", timeout=30, **({"data": gzip.compress(requests.compat.json.dumps(body).encode()), "headers": {"Content-Encoding": "gzip"}} if packed else {"json": body}))
        assert r.status_code == 200, r.text
        out = {o["name"]: o for o in r.json()["outputs"]}
        assert out["predict"]["data"] == [1, 0] and out["predict"]["shape"] == [2], out


def azure(url):
    """Azure ML's sample request, and the probes of an endpoint."""
    r = requests.post(f"http://{url}/score", json={"data": [[9.0, 1.0], [0.0, 2.0]]}, timeout=30)
    assert [(a["prediction"], a["risk_level"]) for a in r.json()] == [(1, "HIGH"), (0, "LOW")], r.text
    r = requests.post(f"http://{url}/score", json={"input_data": {"columns": ["age", "errors"], "index": [0], "data": [[1, 9]]}}, timeout=30)
    assert [a["prediction"] for a in r.json()] == [1], r.text
    assert requests.get(f"http://{url}/", timeout=30).text == "Healthy"


if __name__ == "__main__":
    url = sys.argv[1]
    client("http", h, url)
    client("grpc", g, url)
    typed(url)
    kserve(url)
    azure(url)
    print("Triton's clients over HTTP and gRPC, a KServe body and Azure ML's request agree")

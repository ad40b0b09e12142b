// Package mlflow holds the checks of the tracking server and model registry that
// need a real server: MLflow's own clients at work (scripts), the corpus of
// attacks on such servers, a kill while writing, and a replay of requests that
// compares every answer with that of an MLflow server.
//
// They are built with the tag conformance. The server is the binary that
// DRIVECAST_BIN names; the clients run in the interpreters that
// DRIVECAST_PY_MLFLOW_2_4_1 and DRIVECAST_PY_MLFLOW_3_17_2 name. `make
// conformance` sets all three.
package mlflow

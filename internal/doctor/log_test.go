package doctor_test

import (
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/doctor"
)

// TestLogsNameTheirCause reads what servers and the platform write when a deployment
// fails.
func TestLogsNameTheirCause(t *testing.T) {
	for _, c := range []struct {
		name, state, log string
		want             doctor.Cause
		line             int
		says             string
	}{
		{"no server", "Liveness probe failed: HTTP probe failed with statuscode: 502", "start\n/bin/sh: 1: gunicorn: not found\n", doctor.NoServer, 2, "gunicorn is not installed"},
		{"no server module", "", "/opt/python: No module named azureml_inference_server_http\nContainer events: Liveness probe failed: HTTP probe failed with statuscode: 502", doctor.NoServer, 1, "add azureml-inference-server-http"},
		{"contrib", "", "  File \"/opt/x.py\", line 3\nModuleNotFoundError: No module named 'azureml.contrib'\nWorker failed to boot.", doctor.ServerClash, 2, "azureml.contrib"},
		{"server not published", "", "ERROR: No matching distribution found for azureml-inference-server-http>=1.4", doctor.ServerClash, 1, ">=1.4 is not published"},
		{"monitoring", "", "from azureml.ai.monitoring import Collector\nModuleNotFoundError: No module named 'azureml.ai'", doctor.NoMonitoring, 2, "azureml-ai-monitoring"},
		{"mlflow", "", "ImportError: cannot import name '_get_flavor' from 'mlflow.pyfunc' (/opt/x.py)", doctor.MLflowClash, 1, "mlflow.pyfunc"},
		{"own environment", "", "KeyError: 'MLFLOW_MODEL_FOLDER'", doctor.OwnEnv, 1, "leave environment out"},
		{"python", "", "Solving environment: failed\nResolvePackageNotFound: \n  - python=3.7.9\n", doctor.PythonEnd, 2, "python=3.7.9 is no longer offered"},
		{"numpy", "", "ValueError: numpy.dtype size changed, may indicate binary incompatibility", doctor.Versions, 1, "numpy<2"},
		{"pickle", "", "ValueError: node array from the pickle has an incompatible dtype:", doctor.Versions, 1, "MLmodel names"},
		{"package", "", "ModuleNotFoundError: No module named 'xgboost'\nWorker failed to boot", doctor.Versions, 1, "xgboost is not installed"},
		{"probe 502", "User container has crashed or terminated. Liveness probe failed: HTTP probe failed with statuscode: 502", "", doctor.Probes, 0, "did not come up"},
		{"wrong port", "", "Container events: Readiness probe failed: Get \"http://10.0.0.1:5001/\": dial tcp 10.0.0.1:5001: connect: connection refused", doctor.Probes, 1, "port that inference_config declares"},
		{"missing route", "", "Readiness probe failed: HTTP probe failed with statuscode: 404", doctor.Probes, 1, "declared route"},
		{"slow", "", "Liveness probe failed: Get \"http://x\": context deadline exceeded (Client.Timeout exceeded)", doctor.Probes, 1, "too late"},
		{"image", "ImagePullBackOff: unauthorized: authentication required", "", doctor.ImagePull, 0, "acrPull"},
		{"memory", "", "Container events: OOMKilled", doctor.Memory, 1, "larger instance_type"},
		{"model", "", "drivecast-score: /var/azureml-app/azureml-models/m/1: there is no model\n", doctor.ModelLoad, 1, "does not open the model"},
		{"crash", "", "Back-off restarting failed container", doctor.Crash, 1, "ends by itself"},
	} {
		got := doctor.Diagnose(c.state, c.log)
		if len(got) != 1 || got[0].Cause != c.want || got[0].Line != c.line || !strings.Contains(got[0].Problem+got[0].Mend, c.says) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := doctor.Diagnose("Creating", "serving model on http://0.0.0.0:8080\n"); len(got) != 0 {
		t.Errorf("a good log: %+v", got)
	}
	if got := doctor.Diagnose("", "KeyError: 'AZUREML_MODEL_DIR'\nModuleNotFoundError: No module named 'xgboost'\nReadiness probe failed: HTTP probe failed with statuscode: 502"); len(got) != 2 {
		t.Errorf("two causes and a symptom: %+v", got)
	}
}

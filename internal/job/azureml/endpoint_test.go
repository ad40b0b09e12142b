package azureml_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
)

const schema = "$schema: https://azuremlschemas.azureedge.net/latest/"

func same(t *testing.T, name string, got any, want string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s: %s\nwant %s", name, text, want)
	}
}

// TestBodiesOfEndpoints compares with what az ml 2 (azure-ai-ml 1.35.2) sends.
func TestBodiesOfEndpoints(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"managed", schema + `managedOnlineEndpoint.schema.json
name: drives
description: of drives
auth_mode: aml_token
public_network_access: disabled
tags: {team: storage, n: 3}
properties: {enforce: enabled}
traffic: {blue: 100}
identity: {type: user_assigned, user_assigned_identities: [{resource_id: /subscriptions/a/b}]}
`, `{"properties":{"description":"of drives","authMode":"AMLToken","properties":{"enforce":"enabled"},"publicNetworkAccess":"Disabled"},
"identity":{"type":"UserAssigned","userAssignedIdentities":{"/subscriptions/a/b":{}}},"tags":{"team":"storage","n":"3"}}`},
		{"kubernetes", schema + "kubernetesOnlineEndpoint.schema.json\nname: drives\ncompute: azureml:cluster\nauth_mode: key\n",
			`{"properties":{"authMode":"Key","properties":{},"compute":"cluster"},"identity":{"type":"SystemAssigned"},"tags":{}}`},
	} {
		d, err := job.Parse([]byte(c.file), "endpoint.yml")
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := azureml.OnlineEndpoint(d)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name, e.Body, c.want)
		if c.name == "managed" {
			same(t, "with traffic", e.WithTraffic()["properties"].(map[string]any)["traffic"], `{"blue":100}`)
		}
	}
}

// TestBodiesOfDeployments compares with what az ml 2 sends, but for delays of zero,
// which it drops.
func TestBodiesOfDeployments(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"managed", schema + `managedOnlineDeployment.schema.json
name: blue
endpoint_name: drives
description: x
model: azureml:m:1
environment: azureml:e:1
environment_variables: {A: 1, B: "true"}
instance_type: Standard_DS2_v2
instance_count: 2
app_insights_enabled: true
model_mount_path: /model
egress_public_network_access: disabled
request_settings: {request_timeout_ms: 90000, max_concurrent_requests_per_instance: 8, max_queue_wait_ms: 500}
liveness_probe: {initial_delay: 300, period: 10, timeout: 2, success_threshold: 1, failure_threshold: 30}
readiness_probe: {initial_delay: 0, period: 90}
scale_settings: {type: default}
data_collector:
  collections: {model_inputs: {enabled: 'True'}, model_outputs: {enabled: 'False'}}
  sampling_rate: 0.5
  rolling_rate: hour
`, `{"properties":{"endpointComputeType":"Managed","environmentId":"e:1","model":"m:1","modelMountPath":"/model","scaleSettings":{"scaleType":"Default"},"properties":{},
"description":"x","environmentVariables":{"A":"1","B":"true"},"appInsightsEnabled":true,
"requestSettings":{"maxQueueWait":"PT0.5S","maxConcurrentRequestsPerInstance":8,"requestTimeout":"PT1M30S"},
"livenessProbe":{"failureThreshold":30,"successThreshold":1,"timeout":"PT2S","period":"PT10S","initialDelay":"PT5M"},"readinessProbe":{"initialDelay":"PT0S","period":"PT1M30S"},
"instanceType":"Standard_DS2_v2","egressPublicNetworkAccess":"Disabled",
"dataCollector":{"collections":{"model_inputs":{"dataCollectionMode":"Enabled","samplingRate":0.5},"model_outputs":{"dataCollectionMode":"Disabled","samplingRate":0.5}},"rollingRate":"Hour"}},
"tags":{},"sku":{"name":"Default","capacity":2}}`},
		{"kubernetes", schema + `kubernetesOnlineDeployment.schema.json
name: blue
endpoint_name: drives
model: azureml:m@latest
environment: azureml:e:1
instance_type: defaultinstancetype
resources:
  requests: {cpu: "0.1", memory: "0.5Gi"}
  limits: {cpu: "1", memory: "2Gi", nvidia.com/gpu: "1"}
scale_settings: {type: target_utilization, min_instances: 1, max_instances: 3, polling_interval: 10, target_utilization_percentage: 70}
`, `{"properties":{"endpointComputeType":"Kubernetes","environmentId":"e:1","model":"m@latest","properties":{},"environmentVariables":{},"appInsightsEnabled":false,
"scaleSettings":{"minInstances":1,"maxInstances":3,"pollingInterval":"PT10S","targetUtilizationPercentage":70,"scaleType":"TargetUtilization"},
"containerResourceRequirements":{"containerResourceRequests":{"cpu":"0.1","memory":"0.5Gi"},"containerResourceLimits":{"cpu":"1","memory":"2Gi","gpu":"1"}},
"instanceType":"defaultinstancetype"},"tags":{},"sku":{"name":"Default","capacity":1}}`},
	} {
		d, err := job.Parse([]byte(c.file), "deployment.yml")
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := azureml.OnlineDeployment(d)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name, got.Body, c.want)
	}
}

func TestDeploymentsInPlace(t *testing.T) {
	d, err := job.Parse([]byte(schema+`managedOnlineDeployment.schema.json
name: blue
model: {path: ./m, type: mlflow_model, name: n, version: 3, description: d, tags: {a: 1}}
environment:
  image: a/b:1
  inference_config:
    liveness_route: {path: /livez, port: 8080}
    readiness_route: {path: /readyz, port: 8080}
    scoring_route: {path: /score, port: 8080}
code_configuration: {code: ./src, scoring_script: score.py}
instance_type: S
`), "deployment.yml")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := azureml.OnlineDeployment(d)
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Model; m == nil || m.Name != "n" || m.Version != "3" || m.Path != "./m" {
		t.Fatalf("%+v", got.Model)
	}
	same(t, "model", got.Model.Body("https://x"), `{"properties":{"modelType":"mlflow_model","modelUri":"https://x","description":"d","tags":{"a":"1"},"properties":{}}}`)
	same(t, "environment", got.Environment["inferenceConfig"], `{"livenessRoute":{"path":"/livez","port":8080},"readinessRoute":{"path":"/readyz","port":8080},"scoringRoute":{"path":"/score","port":8080}}`)
	p := got.Body["properties"].(map[string]any)
	if id, _ := p["environmentId"].(string); !strings.HasPrefix(id, "CliV2AnonymousEnvironment:") {
		t.Errorf("%v", p["environmentId"])
	}
	same(t, "code", p["codeConfiguration"], `{"codeId":"./src","scoringScript":"score.py"}`)
}

func TestEndpointsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ file, says string }{
		{"managedOnlineEndpoint.schema.json\nname: drives\nauth_mode: password\n", "endpoint.yml: line 3: auth_mode"},
		{"managedOnlineEndpoint.schema.json\nname: 1\n", "line 2: name"},
		{"managedOnlineEndpoint.schema.json\nname: drives\ntraffic: {blue: 60, green: 50}\n", "line 3: traffic: the shares sum to 110"},
		{"managedOnlineEndpoint.schema.json\nname: drives\nmirror_traffic: {blue: 60}\n", "line 3: mirror_traffic.blue: mirror traffic of 60"},
	} {
		d, err := job.Parse([]byte(schema+c.file), "endpoint.yml")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := azureml.OnlineEndpoint(d); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.file, err)
		}
		if _, _, err := azureml.OnlineDeployment(d); err == nil {
			t.Errorf("%q is taken for a deployment", c.file)
		}
	}
}

// FuzzOnlineBodies turns documents into bodies that must be JSON, or refuses them.
func FuzzOnlineBodies(f *testing.F) {
	f.Add("managedOnlineEndpoint", "name: drives\nauth_mode: key\nidentity: {type: user_assigned, user_assigned_identities: [x]}\ntraffic: {blue: 100}\n")
	f.Add("kubernetesOnlineEndpoint", "name: drives\ncompute: azureml:k\ntags: {a: [1]}\n")
	f.Add("managedOnlineDeployment", "name: blue\nmodel: {path: m, version: 1}\nenvironment: {image: a, inference_config: {scoring_route: {path: /, port: 1}}}\nliveness_probe: {initial_delay: 0}\n")
	f.Add("kubernetesOnlineDeployment", "name: blue\nresources: {limits: {nvidia.com/gpu: 1}}\nscale_settings: {type: target_utilization, max_instances: 2}\ndata_collector: {collections: {a: {enabled: no}}}\n")
	f.Fuzz(func(t *testing.T, kind, rest string) {
		d, err := job.Parse([]byte(schema+kind+".schema.json\n"+rest), "f.yml")
		if err != nil {
			return
		}
		if e, _, err := azureml.OnlineEndpoint(d); err == nil {
			if _, err := json.Marshal(e.WithTraffic()); err != nil {
				t.Errorf("%q: %v", rest, err)
			}
		}
		if one, _, err := azureml.OnlineDeployment(d); err == nil {
			if _, err := json.Marshal(one.Body); err != nil {
				t.Errorf("%q: %v", rest, err)
			}
		}
	})
}

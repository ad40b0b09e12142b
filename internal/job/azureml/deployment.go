package azureml

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Deployment is what PUT …/onlineEndpoints/ENDPOINT/deployments/NAME takes. The code
// folder, the environment and the model stand in it as the file writes them: they
// become ids when they have been registered.
type Deployment struct {
	Name, Endpoint string
	Kubernetes     bool
	Body           map[string]any // location, sku, tags and properties
	Dir            string         // folder that local paths start from
	Environment    map[string]any // one that the deployment defines itself, as in Body.Environment
	Model          *Model         // one that the deployment defines itself; nil for a reference
	InstanceType   string
	Instances      int
}

// Model is a model that a deployment defines in place.
type Model struct {
	Name, Version string // "" when they are to be made up
	Path          string // as the file writes it
	Type          string // custom_model, mlflow_model or triton_model
	Description   string
	Tags          map[string]any // text by name, as Properties
	Properties    map[string]any
}

// Body is what registers the model when its files are at an address.
func (m Model) Body(uri string) map[string]any {
	p := map[string]any{"modelType": m.Type, "modelUri": uri, "tags": m.Tags, "properties": m.Properties}
	if m.Description != "" {
		p["description"] = m.Description
	}
	return map[string]any{"properties": p}
}

// OnlineDeployment turns an online deployment into its REST body, and returns what the
// linter has to say besides. Faults of the file are of kind Invalid, other kinds of
// documents Unsupported.
func OnlineDeployment(d *job.Document) (Deployment, []job.Problem, error) {
	problems := d.Check()
	if err := problems.Err(); err != nil {
		return Deployment{}, nil, err
	}
	if d.Kind != job.KindOnlineDeployment && d.Kind != job.KindKubeDeployment {
		return Deployment{}, nil, errs.New(errs.Unsupported, "%s: a %s is no online deployment", d.File, d.Kind)
	}
	root, err := fields(d)
	if err != nil {
		return Deployment{}, nil, err
	}
	out := Deployment{Name: text(root["name"]), Endpoint: text(root["endpoint_name"]), Kubernetes: d.Kind == job.KindKubeDeployment, Dir: d.Dir,
		InstanceType: text(root["instance_type"]), Instances: 1}
	if n, ok := root["instance_count"].(int64); ok && n > 0 {
		out.Instances = int(n)
	}
	b := &builder{doc: d, dir: d.Dir}
	p, err := b.deployment(root, out.Kubernetes)
	if err != nil {
		return Deployment{}, nil, err
	}
	out.Environment = b.registered
	out.model(root["model"], p)
	out.Body = map[string]any{"properties": p, "tags": textMap(root["tags"]), "sku": map[string]any{"name": "Default", "capacity": out.Instances}}
	put(out.Body, "location", root["location"])
	return out, problems.Warnings(), nil
}

// deployment writes the properties, without the model.
func (b *builder) deployment(root map[string]any, kubernetes bool) (map[string]any, error) {
	p := map[string]any{"endpointComputeType": "Managed", "appInsightsEnabled": false, "properties": textMap(root["properties"]), "environmentVariables": textMap(root["environment_variables"])}
	pick(p, root, "description", "description", "instance_type", "instanceType", "model_mount_path", "modelMountPath", "app_insights_enabled", "appInsightsEnabled")
	if root["environment"] != nil {
		env, err := b.environment(root["environment"])
		if err != nil {
			return nil, err
		}
		p["environmentId"] = env
	}
	if code := mapOf(root["code_configuration"]); len(code) > 0 {
		one := map[string]any{}
		pick(one, code, "scoring_script", "scoringScript")
		put(one, "codeId", reference(code["code"]))
		p["codeConfiguration"] = one
	}
	for from, to := range map[string]string{"liveness_probe": "livenessProbe", "readiness_probe": "readinessProbe"} {
		if m := mapOf(root[from]); len(m) > 0 {
			p[to] = probe(m)
		}
	}
	if m := mapOf(root["request_settings"]); len(m) > 0 {
		p["requestSettings"] = requests(m)
	}
	if s := text(root["egress_public_network_access"]); s != "" {
		p["egressPublicNetworkAccess"] = capital(s)
	}
	if m := mapOf(root["data_collector"]); len(m) > 0 {
		p["dataCollector"] = collector(m)
	}
	if s := scaleSettings(mapOf(root["scale_settings"])); s != nil {
		p["scaleSettings"] = s
	}
	if kubernetes {
		p["endpointComputeType"] = "Kubernetes"
		needs := map[string]any{}
		r := mapOf(root["resources"])
		for from, to := range map[string]string{"requests": "containerResourceRequests", "limits": "containerResourceLimits"} {
			if m := mapOf(r[from]); len(m) > 0 {
				one := map[string]any{}
				for unit, name := range map[string]string{"cpu": "cpu", "memory": "memory", "nvidia.com/gpu": "gpu", "gpu": "gpu"} {
					if m[unit] != nil {
						one[name] = literal(m[unit])
					}
				}
				needs[to] = one
			}
		}
		putFull(p, "containerResourceRequirements", needs)
	}
	return p, nil
}

// model puts a reference into the properties, or keeps what is defined in place.
func (d *Deployment) model(v any, p map[string]any) {
	m := mapOf(v)
	switch s := text(v); {
	case len(m) > 0:
		d.Model = &Model{Name: text(m["name"]), Path: text(m["path"]), Type: text(m["type"]), Description: text(m["description"]), Tags: textMap(m["tags"]), Properties: textMap(m["properties"])}
		if m["version"] != nil {
			d.Model.Version = literal(m["version"])
		}
	case s == "":
		return
	case !job.IsRemote(s):
		d.Model = &Model{Path: s, Tags: map[string]any{}, Properties: map[string]any{}}
	default:
		p["model"] = reference(s)
	}
}

func probe(m map[string]any) map[string]any {
	out := map[string]any{}
	pick(out, m, "failure_threshold", "failureThreshold", "success_threshold", "successThreshold")
	for from, to := range map[string]string{"initial_delay": "initialDelay", "period": "period", "timeout": "timeout"} {
		if n, ok := m[from].(int64); ok && n == 0 {
			out[to] = "PT0S"
			continue
		}
		put(out, to, duration(m[from]))
	}
	return out
}

func requests(m map[string]any) map[string]any {
	out := map[string]any{}
	pick(out, m, "max_concurrent_requests_per_instance", "maxConcurrentRequestsPerInstance")
	for from, to := range map[string]string{"request_timeout_ms": "requestTimeout", "max_queue_wait_ms": "maxQueueWait"} {
		if n, ok := m[from].(int64); ok {
			if out[to] = duration(float64(n) / 1000); n == 0 {
				out[to] = "PT0S"
			}
		}
	}
	return out
}

func scaleSettings(m map[string]any) map[string]any {
	switch plainEnum(m["type"]) {
	case "default":
		return map[string]any{"scaleType": "Default"}
	case "targetutilization":
		out := map[string]any{"scaleType": "TargetUtilization"}
		pick(out, m, "min_instances", "minInstances", "max_instances", "maxInstances", "target_utilization_percentage", "targetUtilizationPercentage")
		put(out, "pollingInterval", duration(m["polling_interval"]))
		return out
	}
	return nil
}

// collector writes what is kept of requests and answers.
func collector(m map[string]any) map[string]any {
	all := map[string]any{}
	for name, v := range mapOf(m["collections"]) {
		c := mapOf(v)
		one := map[string]any{"dataCollectionMode": "Enabled"}
		if s := literal(c["enabled"]); s == "False" || s == "false" {
			one["dataCollectionMode"] = "Disabled"
		}
		pick(one, c, "sampling_rate", "samplingRate", "client_id", "clientId")
		if one["samplingRate"] == nil {
			put(one, "samplingRate", m["sampling_rate"])
		}
		if s := text(c["data"]); s != "" {
			one["dataId"] = reference(s)
		}
		all[name] = one
	}
	out := map[string]any{"collections": all}
	if s := text(m["rolling_rate"]); s != "" {
		out["rollingRate"] = capital(s)
	}
	if r := mapOf(m["request_logging"]); len(r) > 0 {
		one := map[string]any{}
		pick(one, r, "capture_headers", "captureHeaders")
		out["requestLogging"] = one
	}
	return out
}

package azureml

import (
	"math"
	"strconv"
	"strings"
)

// The functions below return nil for a part that the job does not have.

func empty(m map[string]any) bool { return len(m) == 0 }

func identity(m map[string]any) map[string]any {
	out := map[string]any{}
	switch strings.ToLower(text(m["type"])) {
	case "aml_token":
		out["identityType"] = "AMLToken"
	case "user_identity":
		out["identityType"] = "UserIdentity"
	case "managed", "managed_identity":
		out["identityType"] = "Managed"
		pick(out, m, "client_id", "clientId", "object_id", "objectId", "resource_id", "resourceId")
	default:
		return nil
	}
	return out
}

func queue(m map[string]any) map[string]any {
	if empty(m) {
		return nil
	}
	out := map[string]any{}
	if s := text(m["job_tier"]); s != "" {
		out["jobTier"] = strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
	}
	if p := map[string]int{"low": 1, "medium": 2, "high": 3}[strings.ToLower(text(m["priority"]))]; p > 0 {
		out["priority"] = p
	}
	return out
}

func resources(v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := map[string]any{"properties": mapOf(m["properties"])}
	pick(out, m, "instance_count", "instanceCount", "instance_type", "instanceType", "shm_size", "shmSize")
	if list, ok := m["docker_args"].([]any); ok {
		out["dockerArgsList"] = list
		return out
	}
	pick(out, m, "docker_args", "dockerArgs", "locations", "locations", "max_instance_count", "maxInstanceCount")
	return out
}

func distribution(m map[string]any) map[string]any {
	out := map[string]any{}
	switch strings.ToLower(text(m["type"])) {
	case "mpi":
		out["distributionType"] = "Mpi"
		pick(out, m, "process_count_per_instance", "processCountPerInstance")
	case "pytorch":
		out["distributionType"] = "PyTorch"
		pick(out, m, "process_count_per_instance", "processCountPerInstance")
	case "tensorflow":
		out["distributionType"], out["parameterServerCount"] = "TensorFlow", 0
		pick(out, m, "parameter_server_count", "parameterServerCount", "worker_count", "workerCount")
	case "ray":
		out["distributionType"] = "Ray"
		pick(out, m, "port", "port", "address", "address", "include_dashboard", "includeDashboard", "dashboard_port", "dashboardPort",
			"head_node_additional_args", "headNodeAdditionalArgs", "worker_node_additional_args", "workerNodeAdditionalArgs")
	default:
		return nil
	}
	return out
}

// serviceTypes are the names of interactive services; one without a type is SSH.
var serviceTypes = map[string]string{
	"": "SSH", "ssh": "SSH", "jupyter_lab": "JupyterLab", "jupyterlab": "JupyterLab",
	"tensor_board": "TensorBoard", "tensorboard": "TensorBoard", "vs_code": "VSCode", "vscode": "VSCode",
}

func services(in map[string]any) map[string]any {
	if empty(in) {
		return nil
	}
	out := map[string]any{}
	for name, v := range in {
		m := mapOf(v)
		kind := text(m["type"])
		one := map[string]any{"jobServiceType": kind}
		if known, ok := serviceTypes[strings.ToLower(kind)]; ok {
			one["jobServiceType"] = known
		}
		pick(one, m, "port", "port", "endpoint", "endpoint")
		if m["nodes"] == "all" {
			one["nodes"] = map[string]any{"nodesValueType": "All"}
		}
		properties := mapOf(m["properties"])
		pick(properties, m, "ssh_public_keys", "sshPublicKeys", "log_dir", "logDir")
		if !empty(properties) {
			one["properties"] = properties
		}
		out[name] = one
	}
	return out
}

// limits writes those of a command job; kind is the discriminator.
func limits(kind string, m map[string]any) map[string]any {
	if empty(m) {
		return nil
	}
	out := map[string]any{"jobLimitsType": kind}
	put(out, "timeout", duration(m["timeout"]))
	return out
}

// duration writes seconds as ISO 8601, days as its largest unit; nil for none.
// An expression stays as it is.
func duration(v any) any {
	seconds := 0.0
	switch v := v.(type) {
	case string:
		return v
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	}
	if seconds <= 0 {
		return nil
	}
	whole := int64(math.Floor(seconds))
	days, hours, minutes := whole/86400, whole/3600%24, whole/60%60
	rest := float64(whole%60) + (seconds - math.Floor(seconds))
	out := "P"
	if days > 0 {
		out += strconv.FormatInt(days, 10) + "D"
	}
	clock := ""
	if hours > 0 {
		clock += strconv.FormatInt(hours, 10) + "H"
	}
	if minutes > 0 {
		clock += strconv.FormatInt(minutes, 10) + "M"
	}
	if rest > 0 {
		clock += strconv.FormatFloat(rest, 'f', -1, 64) + "S"
	}
	if clock != "" {
		out += "T" + clock
	}
	return out
}

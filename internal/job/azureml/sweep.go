package azureml

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// sweep makes the properties of a sweep job.
func (b *builder) sweep(root map[string]any) (map[string]any, error) {
	trial, ok := root["trial"].(map[string]any)
	if !ok {
		return nil, errs.New(errs.Unsupported, "%s: trial: %q is a reference; write the trial's command, code and environment in place", b.doc.File, text(root["trial"]))
	}
	out, err := common("Sweep", root)
	if err != nil {
		return nil, err
	}
	put(out, "computeId", reference(root["compute"]))
	run := map[string]any{}
	if err := b.run(run, trial); err != nil {
		return nil, err
	}
	out["trial"] = run
	space := map[string]any{}
	for name, v := range mapOf(root["search_space"]) {
		space[name] = distributed(mapOf(v))
	}
	out["searchSpace"] = space
	out["samplingAlgorithm"] = sampling(root["sampling_algorithm"])
	objective := mapOf(root["objective"])
	out["objective"] = map[string]any{"goal": strings.ToLower(text(objective["goal"])), "primaryMetric": objective["primary_metric"]}
	put(out, "limits", sweepLimits(mapOf(root["limits"])))
	put(out, "earlyTermination", termination(mapOf(root["early_termination"])))
	if put(out, "resources", resources(root["resources"])); out["resources"] == nil {
		put(out, "resources", resources(trial["resources"]))
	}
	return out, nil
}

// arguments are those of each distribution, in the order of the REST API.
var arguments = map[string][]string{
	"choice": {"values"}, "randint": {"upper"},
	"uniform": {"min_value", "max_value"}, "loguniform": {"min_value", "max_value"},
	"quniform": {"min_value", "max_value", "q"}, "qloguniform": {"min_value", "max_value", "q"},
	"normal": {"mu", "sigma"}, "lognormal": {"mu", "sigma"},
	"qnormal": {"mu", "sigma", "q"}, "qlognormal": {"mu", "sigma", "q"},
}

// distributed writes one entry of a search space, [type, [arguments]]. A map
// among the values of a choice may hold distributions itself.
func distributed(m map[string]any) any {
	kind := strings.ToLower(text(m["type"]))
	args := []any{}
	for _, name := range arguments[kind] {
		args = append(args, m[name])
	}
	if kind != "choice" {
		return []any{kind, args}
	}
	values, _ := m["values"].([]any)
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = nested(v)
	}
	return []any{kind, []any{list}}
}

func nested(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for key, v := range m {
		inner, isMap := v.(map[string]any)
		if isMap && arguments[strings.ToLower(text(inner["type"]))] != nil {
			v = distributed(inner)
		}
		out[key] = v
	}
	return out
}

func sampling(v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		m = map[string]any{"type": v}
	}
	kind := strings.ToLower(text(m["type"]))
	out := map[string]any{"samplingAlgorithmType": map[string]string{"random": "Random", "sobol": "Random", "grid": "Grid", "bayesian": "Bayesian"}[kind]}
	switch kind {
	case "sobol": // our short form of random by that rule
		out["rule"] = "sobol"
	case "random":
		pick(out, m, "seed", "seed", "logbase", "logbase")
		if r := text(m["rule"]); r != "" {
			out["rule"] = strings.ToLower(r)
		}
	}
	return out
}

// sweepLimits raises timeouts to a minute: Azure ML takes less for days.
func sweepLimits(m map[string]any) map[string]any {
	if empty(m) {
		return nil
	}
	out := map[string]any{"jobLimitsType": "Sweep"}
	pick(out, m, "max_total_trials", "maxTotalTrials", "max_concurrent_trials", "maxConcurrentTrials")
	for from, to := range map[string]string{"timeout": "timeout", "trial_timeout": "trialTimeout"} {
		v := m[from]
		if f, ok := v.(float64); ok {
			v = int64(f)
		}
		if s, ok := v.(int64); ok && s > 0 {
			v = max(s, 60)
		}
		put(out, to, duration(v))
	}
	return out
}

func termination(m map[string]any) map[string]any {
	if empty(m) {
		return nil
	}
	out := map[string]any{"delayEvaluation": 0, "evaluationInterval": 0}
	switch strings.ToLower(text(m["type"])) {
	case "bandit":
		out["policyType"], out["slackAmount"], out["slackFactor"] = "Bandit", 0, 0
	case "median_stopping":
		out["policyType"], out["evaluationInterval"] = "MedianStopping", 1
	case "truncation_selection":
		out["policyType"], out["truncationPercentage"] = "TruncationSelection", 0
		pick(out, m, "exclude_finished_jobs", "excludeFinishedJobs")
	}
	pick(out, m, "delay_evaluation", "delayEvaluation", "evaluation_interval", "evaluationInterval",
		"slack_amount", "slackAmount", "slack_factor", "slackFactor", "truncation_percentage", "truncationPercentage")
	return out
}

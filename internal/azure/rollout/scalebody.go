package rollout

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ScaleName is the name of the autoscale setting of a deployment.
func ScaleName(endpoint, deployment string) string { return "drivecast-" + endpoint + "-" + deployment }

// Body is the REST body of the setting, for a deployment of an endpoint by their ids.
func (s *Scale) Body(endpointID, deployment, location string) map[string]any {
	target := endpointID + "/deployments/" + deployment
	rules := []any{}
	for _, r := range s.Rules {
		resource, way, direction := target, "GreaterThan", "Increase"
		if r.Endpoint {
			resource = endpointID
		}
		if !r.Above {
			way = "LessThan"
		}
		n := r.Change
		if n < 0 {
			direction, n = "Decrease", -n
		}
		rules = append(rules, map[string]any{
			"metricTrigger": map[string]any{
				"metricName": r.Metric, "metricResourceUri": resource, "operator": way, "threshold": r.Limit,
				"statistic": "Average", "timeAggregation": "Average", "timeGrain": "PT1M", "timeWindow": minutes(r.Over),
			},
			"scaleAction": map[string]any{"direction": direction, "type": "ChangeCount", "value": strconv.Itoa(n), "cooldown": minutes(r.Cooldown)},
		})
	}
	capacity := func(low, high, usual int) map[string]any {
		return map[string]any{"minimum": strconv.Itoa(low), "maximum": strconv.Itoa(high), "default": strconv.Itoa(usual)}
	}
	common := map[string]any{"name": "usual", "capacity": capacity(s.Min, s.Max, s.Default), "rules": rules}
	profiles := []any{common}
	for _, p := range s.Profiles {
		zone := p.TimeZone
		if zone == "" {
			zone = "UTC"
		}
		// Azure ends a recurring profile by a second one that begins at its end and has
		// the usual bounds; its name carries the first one's.
		profiles = append(profiles, map[string]any{"name": p.Name, "capacity": capacity(p.Min, p.Max, p.Default), "rules": rules, "recurrence": weekly(zone, p.Days, p.From)},
			map[string]any{"name": fmt.Sprintf(`{"name":"usual","for":%q}`, p.Name), "capacity": common["capacity"], "rules": rules, "recurrence": weekly(zone, p.Days, p.To)})
	}
	name := endpointID[strings.LastIndex(endpointID, "/")+1:]
	return map[string]any{
		"location":   location,
		"properties": map[string]any{"enabled": true, "name": ScaleName(name, deployment), "targetResourceUri": target, "profiles": profiles},
	}
}

func weekly(zone string, days []string, at string) map[string]any {
	hour, minute, _ := strings.Cut(at, ":")
	h, _ := strconv.Atoi(hour) // they were read before
	m, _ := strconv.Atoi(minute)
	return map[string]any{"frequency": "Week", "schedule": map[string]any{"timeZone": zone, "days": days, "hours": []int{h}, "minutes": []int{m}}}
}

func minutes(d time.Duration) string { return fmt.Sprintf("PT%dM", int(d.Minutes())) }

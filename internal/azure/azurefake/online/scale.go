package online

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

// setting is what is read of an autoscale setting of Azure Monitor.
type setting struct {
	Location   string
	Properties *struct {
		Target   string `json:"targetResourceUri"`
		Enabled  bool
		Profiles []struct {
			Name     string
			Capacity struct{ Minimum, Maximum, Default string }
			Rules    []struct {
				Metric struct {
					Name     string `json:"metricName"`
					Resource string `json:"metricResourceUri"`
				} `json:"metricTrigger"`
				Action struct{ Direction, Type, Value, Cooldown string } `json:"scaleAction"`
			}
		}
	}
}

func (s *Service) putScale(w http.ResponseWriter, r *http.Request) {
	var raw map[string]any
	if !read(w, r, &raw) {
		return
	}
	text, err := json.Marshal(raw)
	var v setting
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil || v.Properties == nil || v.Location == "" {
		refuse(w, http.StatusBadRequest, "InvalidRequestContent", "an autoscale setting needs location and properties")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, why := s.scaled(v)
	if why != "" {
		refuse(w, http.StatusBadRequest, "BadRequest", why)
		return
	}
	status := http.StatusOK
	if _, known := s.scale[r.URL.Path]; !known {
		status = http.StatusCreated
	}
	raw["id"], raw["name"], raw["type"] = r.URL.Path, r.PathValue("name"), "Microsoft.Insights/autoscaleSettings"
	if text, err = json.Marshal(raw); err == nil {
		s.scale[r.URL.Path] = text
		clamp(d, v)
		err = s.save()
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	answer(w, status, json.RawMessage(text))
}

// scaled finds the deployment that a setting is about, or says what is wrong; the
// caller holds the lock.
func (s *Service) scaled(v setting) (*deployment, string) {
	var d *deployment
	for _, e := range s.endpoints {
		if name, ok := strings.CutPrefix(v.Properties.Target, e.id()+"/deployments/"); ok {
			d = e.Deployments[name]
		}
	}
	if d == nil {
		return nil, "targetResourceUri is no deployment that is there: " + v.Properties.Target
	}
	if len(v.Properties.Profiles) == 0 {
		return nil, "a setting needs a profile"
	}
	for _, p := range v.Properties.Profiles {
		low, err1 := strconv.Atoi(p.Capacity.Minimum)
		high, err2 := strconv.Atoi(p.Capacity.Maximum)
		usual, err3 := strconv.Atoi(p.Capacity.Default)
		if err1 != nil || err2 != nil || err3 != nil || low < 0 || low > usual || usual > high {
			return nil, fmt.Sprintf("profile %s: the capacity must be minimum ≤ default ≤ maximum", p.Name)
		}
		for _, rule := range p.Rules {
			n, err := strconv.Atoi(rule.Action.Value)
			if rule.Metric.Name == "" || rule.Metric.Resource == "" || err != nil || n < 1 || rule.Action.Direction != "Increase" && rule.Action.Direction != "Decrease" {
				return nil, "profile " + p.Name + " has a rule without a metric, its resource, a direction or a number"
			}
		}
	}
	return d, ""
}

// clamp brings the instances of a deployment between the bounds of the first profile,
// as Azure does at once.
func clamp(d *deployment, v setting) {
	if !v.Properties.Enabled {
		return
	}
	c, now := v.Properties.Profiles[0].Capacity, specOf(d.Body).instances
	low, _ := strconv.Atoi(c.Minimum) // it was read before
	high, _ := strconv.Atoi(c.Maximum)
	d.Body.SKU = &arm.SKU{Name: to.Ptr("Default"), Capacity: to.Ptr(int32(min(max(now, low), high)))}
}

func (s *Service) getScale(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.scale[r.URL.Path]
	if !ok {
		refuse(w, http.StatusNotFound, "ResourceNotFound", "there is no autoscale setting "+r.PathValue("name"))
		return
	}
	answer(w, http.StatusOK, text)
}

func (s *Service) deleteScale(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.scale[r.URL.Path]; !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	delete(s.scale, r.URL.Path)
	if err := s.save(); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	w.WriteHeader(http.StatusOK)
}

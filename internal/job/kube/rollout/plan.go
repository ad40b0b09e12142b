package rollout

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/drivecast/drivecast/errs"
)

// The ways of a rollout.
const (
	Rolling   = "rolling"
	BlueGreen = "blue-green"
	Canary    = "canary"
)

// phase is applied as one, waited for and tested.
type phase struct {
	say    string
	apply  []*Object
	silent bool // nothing serves yet, so nothing can be tested
}

// rank orders kinds so that what others need comes first.
func rank(o *Object) int {
	switch o.GetKind() {
	case "Namespace", "CustomResourceDefinition":
		return 0
	case "ServiceAccount", "Secret", "ConfigMap", "PersistentVolumeClaim":
		return 1
	case "Deployment":
		return 3
	case "HorizontalPodAutoscaler":
		return 4
	}
	return 2
}

// plan says what is applied in which steps, and what goes when all have passed.
func (c *Cluster) plan(ctx context.Context, objects []*Object, o Options) (phases []phase, drop []*Object, err error) {
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b *Object) int { return cmp.Compare(rank(a), rank(b)) })
	switch o.Strategy {
	case "", Rolling:
		return []phase{{say: "apply", apply: objects}}, nil, nil
	case BlueGreen:
		return c.blueGreen(ctx, objects)
	case Canary:
		return c.canary(ctx, objects, o.Steps)
	}
	return nil, nil, errs.New(errs.Usage, "strategy %q: write %s, %s or %s", o.Strategy, Rolling, BlueGreen, Canary)
}

// selects reports whether a Service sends to the pods of a Deployment.
func selects(service, d *Object) bool {
	want, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
	has, _, _ := unstructured.NestedStringMap(d.Object, "spec", "template", "metadata", "labels")
	for k, v := range want {
		if has[k] != v {
			return false
		}
	}
	return service.GetKind() == "Service" && len(want) > 0
}

// label sets a label of a map of labels at each of the paths.
func label(o *Object, key, value string, paths ...[]string) error {
	for _, p := range paths {
		m, _, err := unstructured.NestedStringMap(o.Object, p...)
		if err != nil {
			return errs.New(errs.Invalid, "%s: %w", name(o), err)
		}
		m = maps.Clone(m)
		if m == nil {
			m = map[string]string{}
		}
		m[key] = value
		if err := unstructured.SetNestedStringMap(o.Object, m, p...); err != nil {
			return errs.New(errs.Invalid, "%s: %w", name(o), err)
		}
	}
	return nil
}

// beside is a Deployment of another name whose pods carry a label more.
func beside(d *Object, suffix, key, value string) (*Object, error) {
	out := d.DeepCopy()
	out.SetName(d.GetName() + "-" + suffix)
	return out, label(out, key, value, []string{"spec", "selector", "matchLabels"}, []string{"spec", "template", "metadata", "labels"})
}

// blueGreen brings Deployments up beside those that serve, then turns the Services.
func (c *Cluster) blueGreen(ctx context.Context, objects []*Object) (phases []phase, drop []*Object, err error) {
	renamed, silent := map[string]string{}, false
	var up, turn []*Object
	for _, o := range objects {
		if o.GetKind() != "Deployment" {
			continue
		}
		i := slices.IndexFunc(objects, func(s *Object) bool { return selects(s, o) })
		if i < 0 {
			return nil, nil, errs.New(errs.Invalid, "%s: no Service of the manifests selects its pods, so nothing can be turned from blue to green", name(o))
		}
		live, err := c.get(ctx, objects[i])
		if err != nil {
			return nil, nil, err
		}
		old, next := "", "blue"
		silent = silent || live == nil
		if live != nil {
			old, _, _ = unstructured.NestedString(live.Object, "spec", "selector", colour)
		}
		gone := o.DeepCopy()
		if old != "" {
			gone.SetName(o.GetName() + "-" + old)
		}
		if old == "blue" {
			next = "green"
		}
		fresh, err := beside(o, next, colour, next)
		if err != nil {
			return nil, nil, err
		}
		renamed[o.GetName()] = fresh.GetName()
		up, drop = append(up, fresh), append(drop, gone)
		for j, s := range objects {
			if selects(s, o) {
				turned := s.DeepCopy()
				if err := label(turned, colour, next, []string{"spec", "selector"}); err != nil {
					return nil, nil, err
				}
				objects[j] = turned
			}
		}
	}
	var first []*Object
	for _, o := range objects {
		switch o.GetKind() {
		case "Deployment":
		case "Service":
			turn = append(turn, o)
		case "HorizontalPodAutoscaler":
			scaled := o.DeepCopy()
			at := []string{"spec", "scaleTargetRef", "name"}
			if was, _, _ := unstructured.NestedString(o.Object, at...); renamed[was] != "" {
				if err := unstructured.SetNestedField(scaled.Object, renamed[was], at...); err != nil {
					return nil, nil, errs.New(errs.Invalid, "%s: %w", name(o), err)
				}
			}
			turn = append(turn, scaled)
		default:
			first = append(first, o)
		}
	}
	return []phase{{"bring up beside what serves", append(first, up...), silent}, {say: "turn the Services", apply: turn}}, drop, nil
}

// canary gives growing shares to pods beside those that serve, then all of it.
// Traffic is shared by the number of pods.
func (c *Cluster) canary(ctx context.Context, objects []*Object, steps []int) (phases []phase, drop []*Object, err error) {
	for i, p := range steps {
		if p < 1 || p > 99 || i > 0 && p <= steps[i-1] {
			return nil, nil, errs.New(errs.Usage, "steps %v: write rising percentages between 1 and 99", steps)
		}
		ph := phase{say: "canary"}
		for _, o := range objects {
			if o.GetKind() != "Deployment" {
				continue
			}
			live, err := c.get(ctx, o)
			if err != nil {
				return nil, nil, err
			}
			if live == nil { // the first of its name has nothing to be beside
				continue
			}
			few, err := beside(o, "canary", track, "canary")
			if err != nil {
				return nil, nil, err
			}
			whole, _, _ := unstructured.NestedInt64(live.Object, "spec", "replicas")
			count := max(1, (whole*int64(p)+int64(99-p))/int64(100-p))
			if err := unstructured.SetNestedField(few.Object, count, "spec", "replicas"); err != nil {
				return nil, nil, errs.New(errs.Invalid, "%s: %w", name(o), err)
			}
			ph.apply = append(ph.apply, few)
			if i == 0 {
				drop = append(drop, few)
			}
		}
		if len(ph.apply) > 0 {
			phases = append(phases, ph)
		}
	}
	return append(phases, phase{say: "apply", apply: objects}), drop, nil
}

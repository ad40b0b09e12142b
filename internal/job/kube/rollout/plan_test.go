package rollout

import (
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestParseNamesWhatIsNoManifest(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"", "no manifests"},
		{"---\n---\n", "no manifests"},
		{"kind: Service\nmetadata: {name: a}\n", "document 1"},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n[1]\n", "document 2"},
		{"apiVersion: v1\nkind: Service\nmetadata: {}\n", "metadata.name"},
		{"apiVersion: v1\nkind: [\n", "document 1"},
	} {
		if _, err := Parse(strings.NewReader(c.text)); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.text, err, c.says)
		}
	}
	got, err := Parse(strings.NewReader("# a\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"b\"}}\n"))
	if err != nil || len(got) != 2 || name(got[0]) != "Service a" || name(got[1]) != "Secret b" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAServiceSelectsByAllItsLabels(t *testing.T) {
	list, err := Parse(strings.NewReader(`
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 2, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: all}, spec: {selector: {a: b}}}
---
{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {selector: {a: b, c: x}}}
---
{apiVersion: v1, kind: Service, metadata: {name: none}, spec: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, false} {
		if got := selects(list[i], list[0]); got != want {
			t.Errorf("%s: %v, want %v", name(list[i]), got, want)
		}
	}
	green, err := beside(list[0], "green", colour, "green")
	if err != nil || green.GetName() != "d-green" || !selects(list[1], green) || list[0].GetName() != "d" {
		t.Errorf("%v, %v", green, err)
	}
}

package helm

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const deploy = "../../deploy"

// render is what `helm template fleet deploy/helm/drivecast` prints with these values.
func render(t *testing.T, values string) (string, error) {
	t.Helper()
	return Render(filepath.Join(deploy, "helm", "drivecast"), "fleet", "default", []byte(values))
}

// everything turns on all that the chart has.
const everything = `
server: {replicas: 2, databaseSecret: db, artifacts: "s3://files/drives", autoscaling: {enabled: true}, disruption: {enabled: true}, allowedHosts: [drives.example.com]}
scorer: {model: "models:/drives@champion", name: drives, tokenSecret: tokens, nodeSelector: {disk: ssd}, tolerations: [{key: spot, operator: Exists}], env: [{name: A, value: b}]}
serviceMonitor: {enabled: true, labels: {team: storage}}
networkPolicy: {from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}
ingress: {enabled: true, className: nginx, tlsSecret: tls, annotations: {a: b}}
gateway: {enabled: true, parent: edge}
imagePullSecrets: [{name: registry}]
commonLabels: {team: storage}
`

func kinds(t *testing.T, text string) (out []string) {
	t.Helper()
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		out = append(out, head.Kind+"/"+head.Metadata.Name)
	}
	slices.Sort(out)
	return out
}

func TestTheChartRenders(t *testing.T) {
	for _, c := range []struct {
		name, values string
		want         []string
	}{
		{"as it is", "", []string{
			"Deployment/fleet-scorer", "Deployment/fleet-server", "HorizontalPodAutoscaler/fleet-scorer", "NetworkPolicy/fleet-scorer", "NetworkPolicy/fleet-server",
			"PersistentVolumeClaim/fleet-server", "PodDisruptionBudget/fleet-scorer", "Service/fleet-scorer", "Service/fleet-server", "ServiceAccount/fleet",
		}},
		{"the scorer alone", "{server: {enabled: false}, networkPolicy: {enabled: false}, serviceAccount: {create: false}, scorer: {autoscaling: {enabled: false}, disruption: {enabled: false}}}",
			[]string{"Deployment/fleet-scorer", "Service/fleet-scorer"}},
		{"everything", everything, []string{
			"Deployment/fleet-scorer", "Deployment/fleet-server", "HTTPRoute/fleet", "HorizontalPodAutoscaler/fleet-scorer", "HorizontalPodAutoscaler/fleet-server", "Ingress/fleet",
			"NetworkPolicy/fleet-scorer", "NetworkPolicy/fleet-server", "PodDisruptionBudget/fleet-scorer", "PodDisruptionBudget/fleet-server",
			"Service/fleet-scorer", "Service/fleet-server", "ServiceAccount/fleet", "ServiceMonitor/fleet-scorer",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := render(t, c.values)
			if err != nil {
				t.Fatal(err)
			}
			if got := kinds(t, text); !slices.Equal(got, c.want) {
				t.Errorf("it has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestValuesOutsideTheSchemaAreRefused(t *testing.T) {
	for _, c := range []struct{ values, says string }{
		{"scorrer: {}", "scorrer"},
		{"scorer: {replica: 3}", "replica"},
		{"scorer: {replicas: many}", "replicas"},
		{"scorer: {port: 70000}", "port"},
		{"scorer: {model: ''}", "model"},
		{"scorer: {drainSeconds: 31}", "drainSeconds"},
		{"scorer: {image: {digest: latest}}", "digest"},
		{"scorer: {image: {pullPolicy: Sometimes}}", "pullPolicy"},
		{"scorer: {autoscaling: {cpu: 0}}", "cpu"},
		{"server: {artifacts: 'ftp://x'}", "artifacts"},
		{"ingress: {scorerPaths: [score]}", "scorerPaths"},
		{"serviceMonitor: {interval: often}", "interval"},
		{"server: {replicas: 2}", "server.databaseSecret"},
		{"server: {replicas: 2, databaseSecret: db}", "server.artifacts"},
		{"gateway: {enabled: true}", "gateway.parent"},
	} {
		if _, err := render(t, c.values); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want a refusal that names %s", c.values, err, c.says)
		}
	}
}

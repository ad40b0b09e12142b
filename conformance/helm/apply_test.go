//go:build services

package helm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// crds are the kinds that a bare cluster lacks, with any content: of these, the
// cluster judges the shape of the object alone.
func crds() string {
	var out strings.Builder
	for _, c := range [][4]string{
		{"servicemonitors", "monitoring.coreos.com", "v1", "ServiceMonitor"}, {"httproutes", "gateway.networking.k8s.io", "v1", "HTTPRoute"},
		{"servingruntimes", "serving.kserve.io", "v1alpha1", "ServingRuntime"}, {"inferenceservices", "serving.kserve.io", "v1beta1", "InferenceService"},
	} {
		out.WriteString("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + c[0] + "." + c[1] +
			", annotations: {api-approved.kubernetes.io: unapproved}}\nspec:\n  group: " + c[1] + "\n  scope: Namespaced\n  names: {plural: " + c[0] + ", singular: " + strings.ToLower(c[3]) + ", kind: " + c[3] +
			"}\n  versions:\n    - {name: " + c[2] + ", served: true, storage: true, schema: {openAPIV3Schema: {type: object, required: [spec], properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}}\n---\n")
	}
	return out.String()
}

func kubectl(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Getenv("DRIVECAST_TEST_KUBECTL"), args...)
	var out bytes.Buffer
	c.Env = append(os.Environ(), "KUBECONFIG="+os.Getenv("DRIVECAST_TEST_KUBECONFIG"))
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &out
	err := c.Run()
	return out.String(), err
}

// TestARealServerAcceptsIt sends all that is rendered to a real API server, which
// checks it as it would for good, by a server-side dry run.
func TestARealServerAcceptsIt(t *testing.T) {
	if os.Getenv("DRIVECAST_TEST_KUBECTL") == "" {
		t.Fatal("no control plane: run conformance/services.sh go test -tags services")
	}
	if out, err := kubectl(t, crds(), "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(out)
	}
	if out, err := kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		t.Fatal(out)
	}
	shapes := map[string]string{}
	for name, values := range map[string]string{"chart": "", "chart with everything": everything} {
		text, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		shapes[name] = text
	}
	for _, dir := range []string{"base", "overlays/production"} {
		text, err := kubectl(t, "", "kustomize", filepath.Join(deploy, "kustomize", dir))
		if err != nil {
			t.Fatal(text)
		}
		shapes["kustomize "+dir] = text
	}
	for _, file := range []string{"runtime.yaml", "rest.yaml", "grpc.yaml"} {
		text, err := os.ReadFile(filepath.Join(deploy, "kserve", file))
		if err != nil {
			t.Fatal(err)
		}
		shapes["kserve "+file] = string(text)
	}
	for name, text := range shapes {
		if out, err := kubectl(t, text, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	bad := strings.Replace(shapes["chart"], "policyTypes:", "policyTypos:", 1)
	if out, err := kubectl(t, bad, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"); err == nil || !strings.Contains(out, "policyTypos") {
		t.Errorf("a field that is not there was accepted: %s", out)
	}
}

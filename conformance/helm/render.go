// Package helm renders the chart with Helm's own library. It is a module of its own,
// so that the product does not depend on Helm.
package helm

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// Render is what `helm template RELEASE DIR --namespace SPACE -f VALUES` prints, where
// values is the text of the file. Values outside the chart's schema are an error.
func Render(dir, release, space string, values []byte) (string, error) {
	chart, err := loader.Load(dir)
	if err != nil {
		return "", fmt.Errorf("load the chart: %w", err)
	}
	given := map[string]any{}
	if err := yaml.Unmarshal(values, &given); err != nil {
		return "", fmt.Errorf("values: %w", err)
	}
	all, err := util.ToRenderValues(chart, given, common.ReleaseOptions{Name: release, Namespace: space, Revision: 1, IsInstall: true}, common.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return "", err
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for doc := range strings.SplitSeq("\n"+files[name], "\n---") {
			if strings.TrimSpace(doc) != "" && !strings.HasSuffix(name, ".tpl") {
				out = append(out, doc)
			}
		}
	}
	return strings.Join(out, "\n---\n"), nil
}

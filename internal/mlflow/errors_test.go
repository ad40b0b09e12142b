package mlflow

import (
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestEveryKindHasAnAnswer(t *testing.T) {
	for k := errs.Internal; !strings.HasPrefix(k.String(), "kind("); k++ {
		if a := answers[k]; a.status < 400 || a.code == "" {
			t.Errorf("errors of kind %s are answered with %d %q", k, a.status, a.code)
		}
	}
}

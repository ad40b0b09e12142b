package cli

import (
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestListenRefusesNoPort(t *testing.T) {
	_, err := Listen(t.Context(), "127.0.0.1:99999", "--port")
	if !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), "a port is a number from 0 to 65535") {
		t.Fatal(err)
	}
}

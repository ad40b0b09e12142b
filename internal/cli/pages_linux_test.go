package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// fileBacked returns how many kB of files the process has in memory.
func fileBacked(t *testing.T) (kb int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "RssFile:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Skip("this system does not tell what is backed by files")
	}
	return kb
}

func TestProgramPagesAreReleased(t *testing.T) {
	before := fileBacked(t)
	releaseProgram()
	after := fileBacked(t)
	if after > before*3/4 {
		t.Errorf("%d kB of files before, %d kB after", before, after)
	}
	if text, err := json.Marshal(map[string]float64{"a": 1.5}); err != nil || string(text) != `{"a":1.5}` {
		t.Errorf("the program does not go on: %s, %v", text, err)
	}
}

package azureml

import (
	"os"
	"testing"
)

// testdata/dump/scalars.yaml was written by PyYAML 6.0.3: lines 80 wide, keys
// unsorted. What it holds, written again, is the same bytes.
func TestDumpEqualsPyYAML(t *testing.T) {
	want, err := os.ReadFile("testdata/dump/scalars.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o, err := orderedText(want, "scalars.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := dump(o); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

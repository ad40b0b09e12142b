package azureml

import "testing"

func TestScalarsAreReadAsYAML11(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "+7": "7", "-7": "-7", "0x1F": "31", "010": "8", "0b101": "5", "1_000": "1000",
		"100000000000000000000": "100000000000000000000",
		"1.0":                   "1.0", "0.001": "0.001", ".5": "0.5", "2.0e-5": "2e-05", "1.0e+20": "1e+20", "1e-3": "1e-3",
		"123456789012345678.0": "1.2345678901234568e+17", "0.0": "0.0", "-0.0": "-0.0", ".inf": "inf", "-.inf": "-inf", ".nan": "nan",
		"true": "True", "yes": "True", "off": "False", "y": "y", "hello": "hello", "1.2.3": "1.2.3", "08": "08", "~": "None",
	} {
		if got := literal(plain(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for seconds, want := range map[int64]string{1: "PT1S", 60: "PT1M", 3600: "PT1H", 86400: "P1D", 90061: "P1DT1H1M1S", 5184000: "P60D", 34560000: "P400D"} {
		if got := duration(seconds); got != want {
			t.Errorf("%d s: %v, want %s", seconds, got, want)
		}
	}
	if got := duration(int64(0)); got != nil {
		t.Errorf("0 s: %v, want none", got)
	}
	if got := duration(1.25); got != "PT1.25S" {
		t.Errorf("1.25 s: %v", got)
	}
}

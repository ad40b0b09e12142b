package smart

import (
	"math"
	"slices"
	"testing"
)

func TestVendorOf(t *testing.T) {
	for model, want := range map[string]Vendor{
		"ST4000DM000": Seagate, "Seagate BarraCuda SSD ZA250CM10002": Seagate, "WDC WD30EFRX": WesternDigital, "WD60EFAX-68JH4N1": WesternDigital,
		"HGST HMS5C4040BLE640": HGST, "Hitachi HDS5C3030ALA630": HGST, "TOSHIBA MG07ACA14TA": Toshiba, "SAMSUNG HD154UI": Samsung,
		"CT250MX500SSD1": Micron, "INTEL SSDPE2KX080T8": Intel, "STEC Z16IZF2D": OtherVendor, "": OtherVendor, "DELLBOSS VD": OtherVendor,
	} {
		if got := VendorOf(model); got != want {
			t.Errorf("%q: got %v, want %v", model, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		vendor Vendor
		id     uint8
		raw    float64
		want   float64
	}{
		{Seagate, 1, 17846936, 0},
		{Seagate, 7, 0x0003_1234_5678, 3},
		{Seagate, 188, 4295098370, 2}, // 1 2 2
		{Seagate, 188, 12, 12},
		{Seagate, 195, 0x0001_0000_0001, 1},
		{Seagate, 240, 0x2a0000_00009a1c, 39452},
		{HGST, 1, 65536, 65536},
		{HGST, 7, 42, 42},
		{HGST, 194, 0x002c_0010_001d, 29}, // 29 (Min/Max 16/44)
		{Toshiba, 194, 250, -6},
		{WesternDigital, 194, 130, nan},
		{Seagate, 5, -1, nan},
		{Seagate, 5, math.Inf(1), nan},
		{Seagate, 9, 39123, 39123},
		{HGST, 3, 30089675132, 380},      // 380 (Average 380)
		{HGST, 5, 0x0003_0000_0007, 7},   // words above
		{Toshiba, 188, 0x1_0001_0002, 2}, // as Seagate
		{Toshiba, 188, 70000, 70000},
	} {
		got := Decode(test.vendor, Raw(test.id), test.raw)
		if got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
			t.Errorf("%v %d %v: got %v, want %v", test.vendor, test.id, test.raw, got, test.want)
		}
	}
	if got := Decode(Seagate, Normalized(7), 83); got != 83 {
		t.Errorf("a normalized value is taken apart: %v", got)
	}
}

func TestInWords(t *testing.T) {
	for _, test := range []struct {
		id    uint8
		raw   float64
		words string
		want  float64
		ok    bool
	}{
		{190, 504561690, "26 (Min/Max 19/30)", 26, true},
		{194, 245, "24.5", 24.5, true},
		{194, 30, "30", 0, false},
		{1, 0x3_09d3_e1f6, "3/164879822", 3, true},
		{173, 52953976, "888 (Average 808)", 888, true},
		{5, 10, "0", 0, false}, // the number is what counts
		{241, 64777770148, "64777770148", 0, false},
		{188, 0x1_0002_0004, "1 2 4", 0, false},
		{235, 1 << 40, "", 0, false},
	} {
		if got, ok := inWords(test.id, test.raw, test.words); got != test.want || ok != test.ok {
			t.Errorf("%+v: got %v, %v", test, got, ok)
		}
	}
}

func TestMediumOf(t *testing.T) {
	for model, want := range map[string]Medium{
		"ST4000DM000": Disk, "WDC WD40EFRX-68N32N0": Disk, "WDC  WUH721818ALE6L4": Disk, "HGST HUH721212ALN604": Disk, "TOSHIBA MG07ACA14TA": Disk,
		"Hitachi HDS5C3030ALA630": Disk, "SAMSUNG HD154UI": Disk, "Seagate BarraCuda SSD ZA250CM10002": Flash, "CT250MX500SSD1": Flash,
		"WDC WDS250G2B0A": Flash, "SAMSUNG MZ7LH480HAHQ-00005": Flash, "Micron_5300_MTFDDAK480TDS": Flash, "ST400FM0053": UnknownMedium,
		"HGST HUSMR7632BHP301": UnknownMedium, "DELLBOSS VD": UnknownMedium, "": UnknownMedium, "ST": UnknownMedium,
	} {
		if got := mediumOf(model); got != want {
			t.Errorf("%q: got %v, want %v", model, got, want)
		}
	}
}

func TestAttributeNames(t *testing.T) {
	for _, a := range []Attribute{Raw(1), Raw(255), Normalized(5), Normalized(198)} {
		if got, ok := ParseAttribute(a.String()); !ok || got != a {
			t.Errorf("%v reads as %v", a, got)
		}
	}
	for _, s := range []string{"", "smart_", "smart_5", "smart_5_Raw_x", "smart_256_raw", "smart_0_raw", "smart_05_raw", "smart_+5_raw", "smart_-1_raw", "failure"} {
		if a, ok := ParseAttribute(s); ok {
			t.Errorf("%q reads as %v", s, a)
		}
	}
}

// TestPlainBelowIsWhatDecodeLeaves tries every attribute with every vendor.
func TestPlainBelowIsWhatDecodeLeaves(t *testing.T) {
	values := []float64{0, 1, 30, 125, 255, 65535, 65536, 1e6, 1e7 + .5, 1<<32 - 1}
	for _, a := range AllAttributes() {
		for v := range Vendor(len(vendorNames)) {
			most := plainBelow(v, a)
			for _, x := range append(values, most) {
				if x >= 0 && x <= most && x == math.Trunc(x) && Decode(v, a, x) != x {
					t.Errorf("%v of %v: %v is decoded as %v, and stands for itself up to %v", a, v, x, Decode(v, a, x), most)
				}
			}
			if most < 0 && !slices.ContainsFunc(values, func(x float64) bool { return Decode(v, a, x) != x }) {
				t.Errorf("%v of %v: Decode changes nothing, yet there is no bound", a, v)
			}
		}
	}
}

package smart

import (
	"math"
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

package smart

import (
	"math"
	"strings"
)

// Vendor is the maker of a drive, as its model name tells.
type Vendor uint8

// The vendors that are told apart.
const (
	OtherVendor Vendor = iota
	Seagate
	WesternDigital
	HGST // Hitachi and HGST
	Toshiba
	Samsung
	Micron // Crucial too
	Intel
	Kingston
	SanDisk
	Kioxia
	Hynix
	Maxtor
	Fujitsu
	Corsair
	Adata
	Transcend
)

var vendorNames = [...]string{"", "Seagate", "Western Digital", "HGST", "Toshiba", "Samsung", "Micron", "Intel", "Kingston", "SanDisk",
	"Kioxia", "SK hynix", "Maxtor", "Fujitsu", "Corsair", "ADATA", "Transcend"}

// String returns the vendor's name, "" for OtherVendor.
func (v Vendor) String() string { return vendorNames[v] }

var vendorPrefixes = []struct {
	prefix string
	vendor Vendor
}{
	{"ST", Seagate}, {"SEAGATE", Seagate}, {"WD", WesternDigital}, {"HGST", HGST}, {"HITACHI", HGST}, {"HUH", HGST}, {"HUS", HGST},
	{"HUA", HGST}, {"HDS", HGST}, {"WUH", WesternDigital}, {"WUS", WesternDigital}, {"WESTERN DIGITAL", WesternDigital}, {"TOSHIBA", Toshiba}, {"MG0", Toshiba}, {"SAMSUNG", Samsung}, {"MICRON", Micron}, {"CT", Micron},
	{"CRUCIAL", Micron}, {"MTFD", Micron}, {"INTEL", Intel}, {"SSDSC", Intel}, {"KINGSTON", Kingston}, {"SANDISK", SanDisk}, {"SDSSD", SanDisk},
	{"MZ", Samsung}, {"KIOXIA", Kioxia}, {"KXG", Kioxia}, {"KCD", Kioxia}, {"KBG", Kioxia}, {"SK HYNIX", Hynix}, {"SKHYNIX", Hynix}, {"HFS", Hynix},
	{"HFM", Hynix}, {"MAXTOR", Maxtor}, {"FUJITSU", Fujitsu}, {"CORSAIR", Corsair}, {"FORCE", Corsair}, {"ADATA", Adata}, {"TRANSCEND", Transcend},
	{"TS", Transcend}, {"WDC", WesternDigital},
}

// VendorOf tells the maker from a model name such as "ST4000DM000" or "WDC
// WD30EFRX".
func VendorOf(model string) Vendor {
	up := strings.ToUpper(strings.TrimSpace(model))
	for _, p := range vendorPrefixes {
		if strings.HasPrefix(up, p.prefix) {
			// ST, CT and TS are Seagate's, Crucial's and Transcend's only when a digit follows: not "STEC", not "CTERA".
			if len(p.prefix) == 2 && p.prefix != "WD" && p.prefix != "MZ" && (len(up) < 3 || up[2] < '0' || up[2] > '9') {
				continue
			}
			return p.vendor
		}
	}
	return OtherVendor
}

// Decode unpacks the 48-bit raw value of an attribute into the one number that
// is meant, or NaN when the value is not possible.
//
//   - Seagate 1, 7 and 195: errors in the upper 16 bits, operations in the lower
//     32; the errors are returned.
//   - 3, 5 and 196 above 32 bits: the lowest 16 bits, others hold averages.
//   - 188 of Seagate and of unknown makers, of any above 32 bits: three 16-bit counts of time-outs, of which the lowest is all
//     of them (the others took longer than 5 and 7.5 s).
//   - Seagate 240: hours in the lower 32 bits, milliseconds above.
//   - 9: hours in the lower 32 bits when more are in use; more hours than 60 years
//     have are minutes, or else half minutes or seconds.
//   - 190 and 194: °C in the lowest byte when the other bytes hold the lowest and
//     highest seen; zero, which drives without a sensor report, and
//     values beyond −40…125 °C are missing.
//
// Other values are returned as they are. Negative values are missing.
func Decode(v Vendor, a Attribute, raw float64) float64 {
	switch {
	case !(raw >= 0) || math.IsInf(raw, 0):
		return Missing()
	case a == TemperatureCelsius, a.IsRaw() && (a.ID() == 190 || a.ID() == 194):
		return temperature(raw)
	case a.IsRaw() && a.ID() == 9:
		return hours(raw)
	case raw >= 1<<63 || !packed(v, a) && !(raw >= 1<<32 && wordy(a)):
		return raw
	case a.ID() == 188 || a.ID() == 3 || a.ID() == 5 || a.ID() == 196:
		return float64(uint64(raw) & 0xffff)
	case a.ID() == 240:
		return float64(uint64(raw) & 0xffffffff)
	}
	return math.Floor(raw / (1 << 32))
}

// plainBelow returns the bound up to which Decode returns whole numbers of an
// attribute of a vendor's drives as they are, -1 when there is none.
func plainBelow(v Vendor, a Attribute) float64 {
	switch id := a.ID(); {
	case a == TemperatureCelsius, a.IsRaw() && (id == 190 || id == 194):
		return -1
	case a.IsRaw() && id == 9:
		return mostHours
	case !packed(v, a), id == 240:
		return 1<<32 - 1
	case id == 188:
		return 1<<16 - 1
	}
	return -1
}

// packed reports whether a vendor puts several numbers into a raw value. Who
// packs 188 is known without the vendor: nobody has more than 65,535 time-outs.
func packed(v Vendor, a Attribute) bool {
	if !a.IsRaw() {
		return false
	}
	switch a.ID() {
	case 188:
		return v == Seagate || v == OtherVendor
	case 1, 7, 195, 240:
		return v == Seagate
	}
	return false
}

// wordy reports whether an attribute is a 16-bit count with other words above it
// whenever more than 32 bits are in use.
func wordy(a Attribute) bool {
	return a.IsRaw() && (a.ID() == 3 || a.ID() == 5 || a.ID() == 188 || a.ID() == 196)
}

// mostHours is the longest power-on time that is believed: 60 years.
const mostHours = 60 * 8766

// hours makes hours of power-on time whose unit is not known.
func hours(raw float64) float64 {
	if raw >= 1<<32 && raw < 1<<63 {
		raw = float64(uint64(raw) & 0xffffffff)
	}
	for _, parts := range []float64{1, 60, 120, 3600} {
		if raw/parts <= mostHours {
			return raw / parts
		}
	}
	return Missing()
}

func temperature(raw float64) float64 {
	if raw > 255 && raw < 1<<48 {
		raw = float64(uint64(raw) & 0xff)
	}
	if raw > 125 && raw <= 255 {
		raw -= 256 // a signed byte
	}
	if raw < -40 || raw > 125 || raw == 0 {
		return Missing()
	}
	return raw
}

// credibleCapacity returns the capacity in bytes, NaN when no drive has it:
// between 1 GB and 1 PB are believed.
func credibleCapacity(bytes float64) float64 {
	if bytes >= 1e9 && bytes <= 1e15 {
		return bytes
	}
	return Missing()
}

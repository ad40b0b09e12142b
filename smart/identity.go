package smart

import "strings"

// Identity is what tells one drive from another. Any part may be unknown: tools
// redact serial numbers, cheap bridges repeat or zero world wide names.
type Identity struct {
	WWN    string // world wide name in hexadecimal
	Serial string
	Model  string
}

// Identity returns the parts that a reading knows.
func (r *Reading) Identity() Identity { return Identity{r.WWN, r.Serial, r.Model} }

// Known reports whether anything but the model is known, so that readings can be
// told to be of one drive.
func (i Identity) Known() bool { return i.WWN != "" || i.Serial != "" }

// Key returns a text that is the same for all readings of a drive that know the
// same parts: serial number first, since world wide names occur twice; "" when
// neither is known.
func (i Identity) Key() string {
	switch {
	case i.Serial != "":
		return i.Serial
	case i.WWN != "":
		return "wwn-" + i.WWN
	}
	return ""
}

// Same reports whether two readings can be taken to be of one drive: no part
// that both know differs, and the serial number or else the world wide name is
// known to both.
func (i Identity) Same(o Identity) bool {
	if i.Model != "" && o.Model != "" && !sameModel(i.Model, o.Model) {
		return false
	}
	if i.Serial != "" && o.Serial != "" {
		return strings.EqualFold(i.Serial, o.Serial)
	}
	return i.WWN != "" && i.WWN == o.WWN
}

// sameModel allows for a vendor's name in front: WD40EFRX and WDC WD40EFRX.
func sameModel(a, b string) bool {
	a, b = strings.ToUpper(a), strings.ToUpper(b)
	return strings.HasSuffix(a, b) || strings.HasSuffix(b, a)
}

// plainSerial returns a serial number, "" for what tools and bridges write when
// they have none to show.
func plainSerial(s string) string {
	s = strings.TrimSpace(s)
	switch up := strings.ToUpper(s); {
	case strings.Trim(s, "0") == "", strings.Trim(up, "X") == "", strings.Trim(up, "F") == "":
		return ""
	case strings.Contains(up, "REDACTED"), up == "N/A", up == "NONE", up == "UNKNOWN", up == "[NO INFORMATION FOUND]":
		return ""
	}
	return s
}

// redactedID is 1234567890, which tools that redact put in place of the number
// in a world wide name.
const redactedID = "0499602d2"

// plainWWN returns a world wide name in lower-case hexadecimal, "" for one of
// zeros or ones, or a redacted one.
func plainWWN(s string) string {
	s = strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(s), "0x"), " ", ""))
	if strings.Trim(s, "0") == "" || strings.Trim(s, "f") == "" || s == "1234567890abcdef" || strings.HasSuffix(s, redactedID) {
		return ""
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	return s
}

package smart

import "strings"

// mediumOf tells disks from flash drives by the model, for sources that say
// nothing of rotation; UnknownMedium when the model does not show it.
func mediumOf(model string) Medium {
	up := strings.ToUpper(strings.TrimSpace(model))
	if strings.Contains(up, "SSD") || strings.Contains(up, "NVME") || strings.Contains(up, "MTFD") {
		return Flash
	}
	for _, maker := range []string{"WDC ", "WD ", "TOSHIBA ", "HGST ", "HITACHI ", "SEAGATE ", "SAMSUNG ", "MICRON_", "MICRON "} {
		up = strings.TrimPrefix(up, maker)
	}
	up = strings.TrimSpace(up)
	switch {
	case digitAt(up, 2) && strings.HasPrefix(up, "ST"):
		if rest := strings.TrimLeft(up[2:], "0123456789"); rest != "" && strings.Contains("FHK", rest[:1]) {
			return UnknownMedium // ST400FM0053 is flash, and others may be
		}
		return Disk
	case digitAt(up, 2) && strings.HasPrefix(up, "WD"):
		return Disk // ST4000DM000, WD40EFRX; not WDS500G2B0A
	case strings.HasPrefix(up, "WDS"), strings.HasPrefix(up, "MZ"), digitAt(up, 2) && strings.HasPrefix(up, "CT"), digitAt(up, 2) && strings.HasPrefix(up, "ZA"),
		digitAt(up, 2) && strings.HasPrefix(up, "XA"), strings.HasPrefix(up, "KXG"), strings.HasPrefix(up, "INTEL SS"):
		return Flash
	}
	for _, p := range []string{"HUH", "HUS7", "HUA", "HDS", "HMS", "HDT", "HTS", "HCC", "HDWE", "HDWR", "HDWQ", "HDWD", "HDWT", "WUH", "WUS7", "MG0", "MG1", "MD0", "MQ0", "DT01", "MK"} {
		if strings.HasPrefix(up, p) {
			return Disk
		}
	}
	if strings.HasPrefix(up, "HD") && digitAt(up, 2) {
		return Disk // SAMSUNG HD154UI
	}
	return UnknownMedium
}

func digitAt(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

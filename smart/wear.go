package smart

import (
	"math"
	"strings"
)

// named is an ATA attribute as smartctl calls it. Vendors give one number
// different meanings, and smartctl's names tell them apart.
type named struct {
	id   uint8
	name string
}

// flash fills what vendors of SSDs put into attributes of their own: endurance
// used, spare blocks left, bytes written and read, power lost without notice.
// Sources without names (drive statistics) are read by the vendor.
func (r *Report) flash() {
	vendor := VendorOf(r.Model)
	names := r.names
	if names == nil && r.Medium != Disk {
		names = flashNames(vendor)
	}
	used, spare := math.NaN(), math.NaN()
	rank := 0
	for _, a := range names {
		if v, at := r.usedBy(a, vendor); at > rank && v >= 0 && v <= 100 {
			used, rank = v, at
		}
		if v := r.Value(Normalized(a.id)); (a.id == 232 || a.id == 170) && strings.HasPrefix(a.name, "Available_Reserv") && v <= 100 {
			spare = first(spare, v)
		}
		switch unit := bytesOf(a, r.block()); {
		case unit == 0:
		case strings.Contains(a.name, "Read"):
			r.BytesRead = first(r.BytesRead, unit*r.Value(Raw(a.id)))
		default:
			r.BytesWritten = first(r.BytesWritten, unit*r.Value(Raw(a.id)))
		}
		if low := strings.ToLower(a.name); strings.HasPrefix(low, "unsafe_shutdown") || strings.HasPrefix(low, "unexpect") && strings.Contains(low, "power_loss") ||
			strings.HasPrefix(low, "por_recovery") {
			r.UnsafeShutdowns = first(r.UnsafeShutdowns, r.Value(Raw(a.id)))
		}
	}
	r.PercentUsed, r.SparePercent = first(r.PercentUsed, used), first(r.SparePercent, spare)
	if rank > 0 && r.Medium == UnknownMedium {
		r.Medium = Flash
	}
}

// usedBy returns the share of its endurance that a flash drive has used, in
// percent, by one attribute, and how far that one is to be trusted.
//
// Most vendors count the normalized value down from 100. Phison's 231 and Silicon
// Motion's 169 leave it alone, and have what is left as the raw value.
func (r *Report) usedBy(a named, v Vendor) (used float64, rank int) {
	left := r.Value(Normalized(a.id))
	raw := r.Value(Raw(a.id))
	switch {
	case a.name == "Percent_Lifetime_Remain", a.name == "Perc_Rated_Life_Used", a.name == "Percent_Lifetime_Used":
		return 100 - left, 5
	case a.name == "SSD_Life_Left" && raw >= 1 && (v == Kingston && !strings.HasPrefix(r.Model, "KINGSTON SV") || strings.Contains(r.family, "Phison")):
		return 100 - raw, 4
	case a.name == "SSD_Life_Left":
		return 100 - left, 4
	case a.name == "Remaining_Lifetime_Perc":
		return 100 - raw, 4
	case a.name == "Media_Wearout_Indicator" && a.id == 233:
		return 100 - left, 3
	case a.name == "Wear_Leveling_Count" && (a.id == 177 || a.id == 173):
		return 100 - left, 2
	case (a.name == "Avg_Block-Erase_Count" || a.name == "Ave_Block-Erase_Count") && v == Micron:
		return 100 - left, 1
	}
	return math.NaN(), 0
}

// flashNames are smartctl's names of a vendor's attributes.
func flashNames(v Vendor) []named {
	switch v {
	case Samsung:
		return []named{{177, "Wear_Leveling_Count"}, {235, "POR_Recovery_Count"}}
	case Micron:
		return []named{{202, "Percent_Lifetime_Remain"}, {174, "Unexpect_Power_Loss_Ct"}}
	case Intel:
		return []named{{233, "Media_Wearout_Indicator"}, {232, "Available_Reservd_Space"}, {192, "Unsafe_Shutdown_Count"}}
	case Kingston:
		return []named{{231, "SSD_Life_Left"}}
	}
	return nil
}

// bytesOf returns the bytes that one step of a counter of traffic to or from the
// host stands for, 0 when the attribute is none. Traffic to the flash itself
// (NAND_, Flash_, TLC_, SLC_) is another thing.
func bytesOf(a named, block float64) float64 {
	switch a.id {
	case 241, 242, 246, 225:
	default:
		return 0
	}
	if !strings.Contains(a.name, "Writ") && !strings.Contains(a.name, "Read") {
		return 0
	}
	for _, p := range []string{"Host_", "Lifetime_", "Total_LBAs_", "Total_Host_Sector"} {
		if !strings.HasPrefix(a.name, p) {
			continue
		}
		switch {
		case strings.Contains(a.name, "32MiB"):
			return 32 << 20
		case strings.HasSuffix(a.name, "GiB"):
			return 1 << 30
		case strings.HasSuffix(a.name, "MiB"):
			return 1 << 20
		case strings.HasPrefix(p, "Total_"):
			return block
		}
	}
	return 0
}

// block returns the bytes of a logical block.
func (r *Report) block() float64 {
	if r.blockSize > 0 {
		return r.blockSize
	}
	return 512
}

// statistics fills what is missing from the log of device statistics, which is of
// one form for all makers of ATA drives (ACS-3 and later), and from the log of
// pending defects.
func (r *Report) statistics(o object) {
	r.PendingSectors = first(r.PendingSectors, o.count("ata_pending_defects_log", "count"))
	for _, page := range o.list("ata_device_statistics", "pages") {
		for _, s := range page.list("table") {
			if valid, ok := s.at("flags", "valid").(bool); ok && !valid {
				continue
			}
			v := s.number("value")
			if s.text("name") == "Current Temperature" {
				r.TemperatureCelsius = first(r.TemperatureCelsius, temperature(v))
			}
			if dst := r.statistic(s.text("name")); dst != nil && v >= 0 {
				*dst = first(*dst, v)
			}
		}
	}
}

func (r *Report) statistic(name string) *float64 {
	switch name {
	case "Power-on Hours":
		return &r.PowerOnHours
	case "Lifetime Power-On Resets":
		return &r.PowerCycles
	case "Number of Reallocated Logical Sectors":
		return &r.ReallocatedSectors
	case "Number of Reported Uncorrectable Errors":
		return &r.Uncorrectable
	case "Number of Interface CRC Errors":
		return &r.InterfaceErrors
	case "Percentage Used Endurance Indicator":
		return &r.PercentUsed
	}
	return nil
}

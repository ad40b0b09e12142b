package smart

import (
	"math"
	"strconv"
	"strings"
)

// ata takes over the table of ATA attributes, values unpacked.
func (r *Report) ata(o object) {
	if r.Protocol == ATA && o.at("ata_smart_error_log") != nil {
		r.ErrorLogEntries = first(o.count("ata_smart_error_log", "summary", "count"), o.count("ata_smart_error_log", "extended", "count"))
	}
	vendor := r.maker()
	for _, a := range o.list("ata_smart_attributes", "table") {
		id := a.count("id")
		if !(id >= 1 && id <= 255) {
			continue
		}
		raw := rawValue(vendor, uint8(id), a.text("name"), a.count("raw", "value"), a.text("raw", "string"))
		r.names = append(r.names, named{uint8(id), a.text("name")})
		r.add(Raw(uint8(id)), raw)
		if n := a.count("value"); n <= 255 {
			r.add(Normalized(uint8(id)), n)
		}
	}
}

// add appends an attribute, unless its value is missing or it was there before.
func (r *Report) add(a Attribute, v float64) {
	if math.IsNaN(v) || !math.IsNaN(r.Value(a)) {
		return
	}
	r.Attributes = append(r.Attributes, a)
	r.Values = append(r.Values, v)
}

// maker returns the vendor by the model, or else by the family in smartctl's
// database: drives are sold under others' names.
func (r *Report) maker() Vendor {
	if v := VendorOf(r.Model); v != OtherVendor || r.family == "" {
		return v
	}
	return VendorOf(r.family)
}

// rawValue decodes a raw value of which smartctl gives a number and its own
// reading in words, which knows units that the number does not show.
func rawValue(v Vendor, id uint8, name string, raw float64, words string) float64 {
	if raw == 0xffffffff || raw == 0xffffffffffff {
		return math.NaN() // all ones: not kept by the drive
	}
	if id == 9 || id == 240 && strings.Contains(words, "h+") {
		return hoursOf(name, raw, words)
	}
	if n, ok := inWords(id, raw, words); ok {
		return n
	}
	return Decode(v, Raw(id), raw)
}

// inWords reads what smartctl makes of a raw value in which it knows several
// numbers, "29 (Min/Max 16/44)", errors before operations, "3/164879822", or
// tenths of a degree, "24.5". It reports false when the raw value is the number.
func inWords(id uint8, raw float64, words string) (float64, bool) {
	heat := id == 190 || id == 194
	if raw < 1<<16 && !(heat && strings.Contains(words, ".")) {
		return 0, false
	}
	n := strings.IndexFunc(words, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
	if n < 0 && heat {
		n = len(words)
	}
	if n <= 0 || n < len(words) && words[n] != '/' && !strings.HasPrefix(words[n:], " (") {
		return 0, false
	}
	v, err := strconv.ParseFloat(words[:n], 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	if heat {
		v = temperature(v)
	}
	return v, true
}

// hoursOf reads power-on time, of which vendors keep hours, minutes, half minutes
// or seconds, some with a fraction above 32 bits.
func hoursOf(name string, raw float64, words string) float64 {
	if h, _, ok := strings.Cut(words, "h+"); ok {
		if v, err := strconv.ParseFloat(h, 64); err == nil {
			return believedHours(v)
		}
	}
	v := Decode(OtherVendor, Raw(9), raw)
	if words != strconv.FormatFloat(raw, 'f', -1, 64) {
		return v // smartctl made something else of it: the number is not in plain units
	}
	switch low := strings.ToLower(name); {
	case strings.Contains(low, "half_min"):
		return v / 120
	case strings.Contains(low, "half_hour"):
		return v / 2
	case strings.Contains(low, "minute"):
		return v / 60
	case strings.Contains(low, "second"):
		return v / 3600
	}
	return v
}

// believedHours returns hours as they are, NaN when no drive has run so long, or
// less than no time.
func believedHours(v float64) float64 {
	if v >= 0 && v <= mostHours {
		return v
	}
	return math.NaN()
}

// scsi takes over defect and error counters.
func (r *Report) scsi(o object) {
	if r.Protocol != SCSI && o.at("scsi_error_counter_log") == nil {
		return
	}
	r.ReallocatedSectors = o.count("scsi_grown_defect_list")
	sum := math.NaN()
	for _, op := range []string{"read", "write", "verify"} {
		if n := o.count("scsi_error_counter_log", op, "total_uncorrected_errors"); n >= 0 {
			sum = first(sum, 0) + n
		}
	}
	r.Uncorrectable = sum
	r.BytesRead = 1e9 * o.count("scsi_error_counter_log", "read", "gigabytes_processed")
	r.BytesWritten = 1e9 * o.count("scsi_error_counter_log", "write", "gigabytes_processed")
	r.PowerCycles = first(r.PowerCycles, o.count("scsi_start_stop_cycle_counter", "accumulated_start_stop_cycles"))
	r.PercentUsed = first(r.PercentUsed, o.count("scsi_percentage_used_endurance_indicator"))
	r.PendingSectors = first(r.PendingSectors, o.count("scsi_pending_defects", "count"))
	r.InterfaceErrors = first(r.InterfaceErrors, invalidWords(o))
	r.TemperatureCelsius = first(r.TemperatureCelsius, temperature(o.number("scsi_environmental_reports", "temperature_1", "current")))
}

// invalidWords sums the invalid words that the links of a SAS drive's ports saw,
// which is what ATA 199 counts; NaN when there are no such logs.
func invalidWords(o object) float64 {
	sum := math.NaN()
	for port := range 8 {
		for phy := range 8 {
			if n := o.count("scsi_sas_port_"+strconv.Itoa(port), "phy_"+strconv.Itoa(phy), "invalid_dword_count"); n >= 0 {
				sum = first(sum, 0) + n
			}
		}
	}
	return sum
}

// nvme takes over the health log. Data units are 1,000 blocks of 512 bytes.
func (r *Report) nvme(o object) {
	log := o.sub("nvme_smart_health_information_log")
	if log == nil {
		return
	}
	r.TemperatureCelsius = first(r.TemperatureCelsius, temperature(log.number("temperature")))
	r.PowerOnHours = first(r.PowerOnHours, log.count("power_on_hours"))
	r.PowerCycles = first(r.PowerCycles, log.count("power_cycles"))
	r.UnsafeShutdowns = log.count("unsafe_shutdowns")
	r.PercentUsed = first(log.count("percentage_used"), r.PercentUsed)
	r.SparePercent = first(log.count("available_spare"), r.SparePercent)
	r.Uncorrectable = log.count("media_errors")
	r.ErrorLogEntries = log.count("num_err_log_entries")
	r.BytesRead = 512_000 * log.count("data_units_read")
	r.BytesWritten = 512_000 * log.count("data_units_written")
	if w := log.count("critical_warning"); w > 0 && r.Verdict == NoVerdict {
		r.Verdict = Failing
	}
}

// farm takes over what Seagate's own log knows when the report has nothing else.
func (r *Report) farm(o object) {
	page := o.sub("seagate_farm_log", "page_1_drive_information")
	if page == nil {
		return
	}
	if r.Serial == "" {
		r.Serial = plainSerial(page.text("serial_number"))
	}
	if r.WWN == "" {
		r.WWN = plainWWN(page.text("world_wide_name"))
	}
	if r.Firmware == "" {
		r.Firmware = page.text("firmware_rev")
	}
	if r.Model == "" {
		r.Model = page.text("model_number")
	}
	r.PowerOnHours = first(r.PowerOnHours, page.count("poh"))
	r.PowerCycles = first(r.PowerCycles, page.count("power_cycle_count"))
	r.CapacityBytes = first(r.CapacityBytes, credibleCapacity(page.count("device_capacity_in_sectors")*page.count("logical_sector_size")))
	if page.some("rotation_rate") > 0 {
		r.Medium = Disk
	}
}

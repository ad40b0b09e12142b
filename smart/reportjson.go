package smart

import (
	"encoding/json"
	"math"
	"time"
)

// MarshalJSON writes the report as one object with typed units; what is missing
// is left out. Attributes are in smart, by their names.
func (r Report) MarshalJSON() ([]byte, error) {
	num := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	out := struct {
		Kind        string             `json:"kind,omitempty"`
		Date        string             `json:"date,omitempty"`
		Time        string             `json:"time,omitempty"`
		Serial      string             `json:"serial_number,omitempty"`
		Model       string             `json:"model,omitempty"`
		Vendor      string             `json:"vendor,omitempty"`
		WWN         string             `json:"wwn,omitempty"`
		Firmware    string             `json:"firmware,omitempty"`
		Protocol    string             `json:"protocol,omitempty"`
		Medium      string             `json:"medium,omitempty"`
		Device      string             `json:"device,omitempty"`
		DeviceType  string             `json:"device_type,omitempty"`
		Capacity    *float64           `json:"capacity_bytes,omitempty"`
		Verdict     string             `json:"verdict,omitempty"`
		Failed      bool               `json:"failed,omitempty"`
		Temperature *float64           `json:"temperature_celsius,omitempty"`
		Hours       *float64           `json:"power_on_hours,omitempty"`
		Cycles      *float64           `json:"power_cycles,omitempty"`
		Unsafe      *float64           `json:"unsafe_shutdowns,omitempty"`
		Used        *float64           `json:"percent_used,omitempty"`
		Spare       *float64           `json:"spare_percent,omitempty"`
		Reallocated *float64           `json:"reallocated_sectors,omitempty"`
		Pending     *float64           `json:"pending_sectors,omitempty"`
		Uncorrected *float64           `json:"uncorrectable_errors,omitempty"`
		Interface   *float64           `json:"interface_errors,omitempty"`
		ErrorLog    *float64           `json:"error_log_entries,omitempty"`
		Read        *float64           `json:"bytes_read,omitempty"`
		Written     *float64           `json:"bytes_written,omitempty"`
		Exit        ExitStatus         `json:"exit_status,omitempty"`
		Bits        []string           `json:"exit_bits,omitempty"`
		Tool        string             `json:"tool,omitempty"`
		Messages    []string           `json:"messages,omitempty"`
		Scan        []ScannedDevice    `json:"devices,omitempty"`
		Smart       map[string]float64 `json:"smart,omitempty"`
		File        string             `json:"source_file,omitempty"`
		Line        int32              `json:"source_line,omitempty"`
	}{
		r.Kind.String(), r.Day.String(), "", r.Serial, r.Model, VendorOf(r.Model).String(), r.WWN, r.Firmware, r.Protocol.String(), r.Medium.String(),
		r.Device, r.DeviceType, num(r.CapacityBytes), r.Verdict.String(), r.Failed, num(r.TemperatureCelsius), num(r.PowerOnHours),
		num(r.PowerCycles), num(r.UnsafeShutdowns), num(r.PercentUsed), num(r.SparePercent), num(r.ReallocatedSectors), num(r.PendingSectors),
		num(r.Uncorrectable), num(r.InterfaceErrors), num(r.ErrorLogEntries), num(r.BytesRead), num(r.BytesWritten), r.Exit, r.Exit.Bits(), r.Tool, r.Messages,
		r.Scan, map[string]float64{}, r.File, r.Line,
	}
	if !r.Time.IsZero() {
		out.Time = r.Time.Format(time.RFC3339)
	}
	for i, v := range r.Values {
		if !math.IsNaN(v) && r.Attributes[i].ID() != 0 {
			out.Smart[r.Attributes[i].String()] = v
		}
	}
	return json.Marshal(out)
}

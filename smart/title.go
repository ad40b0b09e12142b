package smart

import "strings"

// titles are the usual names of ATA attributes; vendors use some numbers for others.
var titles = map[uint8]string{
	1: "read errors", 2: "throughput", 3: "spin-up time", 4: "starts and stops", 5: "reallocated sectors", 7: "seek errors", 8: "seek time", 9: "power-on hours",
	10: "spin retries", 11: "calibration retries", 12: "power cycles", 170: "reserved blocks used", 171: "program failures", 172: "erase failures",
	173: "wear levelling count", 174: "unexpected power losses", 175: "program failures", 176: "erase failures", 177: "wear levelling count",
	179: "reserved blocks used", 180: "reserved blocks unused", 181: "program failures", 182: "erase failures", 183: "runtime bad blocks",
	184: "end-to-end errors", 187: "reported uncorrectable errors", 188: "command timeouts", 189: "high fly writes", 190: "airflow temperature",
	191: "shocks", 192: "emergency retracts", 193: "load cycles", 194: "temperature", 195: "errors corrected by ECC", 196: "reallocation events",
	197: "pending sectors", 198: "offline uncorrectable sectors", 199: "interface CRC errors", 200: "write errors", 201: "soft read errors",
	218: "interface CRC errors", 220: "disk shift", 222: "loaded hours", 223: "load retries", 224: "load friction", 225: "load cycles",
	226: "load-in time", 231: "SSD life left", 232: "endurance left", 233: "media wearout", 235: "power recoveries", 240: "head flying hours",
	241: "data written", 242: "data read", 254: "free falls",
}

// Title returns what a's number is usually said to count, in lower case: "pending
// sectors". It returns String's text, with spaces, where no name is usual.
func (a Attribute) Title() string {
	if t, ok := titles[a.ID()]; ok {
		return t
	}
	return strings.ReplaceAll(a.String(), "_", " ")
}

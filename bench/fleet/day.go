package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/drivecast/drivecast/table"
)

// ids are the SMART attributes of the files: a normalized and a raw column each, and
// with the five columns of the drive and a last raw column, 60 in all.
var ids = []int{1, 3, 4, 5, 7, 9, 10, 12, 183, 184, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 240, 241, 242}

const lastID = 254 // raw only

// models are the drives of the fleet, with their sizes.
var models = []struct {
	name     string
	capacity uint64
}{
	{"TOSHIBA MG07ACA14TA", 14000519643136}, {"ST12000NM0008", 12000138625024}, {"WDC WUH721816ALE6L4", 16000900661248},
	{"ST16000NM001G", 16000900661248}, {"HGST HUH721212ALN604", 12000138625024}, {"ST4000DM000", 4000787030016},
}

// writeDay writes a day of the fleet, the same for the same day and number of
// drives. Drive i is what its number makes it; few have errors, and those grow.
func writeDay(path, date string, day, drives int) error {
	return table.WriteFile(path, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<20)
		out.WriteString("date,serial_number,model,capacity_bytes,failure")
		for _, id := range ids {
			fmt.Fprintf(out, ",smart_%d_normalized,smart_%d_raw", id, id)
		}
		fmt.Fprintf(out, ",smart_%d_raw\n", lastID)
		var line []byte
		for i := range drives {
			line = appendDrive(line[:0], date, day, i)
			if _, err := out.Write(line); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

func appendDrive(b []byte, date string, day, i int) []byte {
	rng := rand.New(rand.NewPCG(uint64(i), 17))
	m := models[rng.IntN(len(models))]
	b = append(append(b, date...), ",ZX"...)
	b = strconv.AppendUint(b, uint64(10_000_000+7*i), 36)
	b = append(append(b, ','), m.name...)
	b = strconv.AppendUint(append(b, ','), m.capacity, 10)
	b = append(b, ",0"...)
	age := 500 + rng.IntN(40_000) + 24*day
	busy := 1 + rng.IntN(400)
	sick := rng.IntN(50) == 0
	today := rand.New(rand.NewPCG(uint64(i), uint64(day)))
	for _, id := range ids {
		b = strconv.AppendInt(append(b, ','), int64(60+rng.IntN(140)), 10)
		b = strconv.AppendInt(append(b, ','), raw(id, age, busy, sick, rng, today), 10)
	}
	return append(b, ",0\n"...)
}

// raw returns the raw value of an attribute.
func raw(id, age, busy int, sick bool, rng, today *rand.Rand) int64 {
	switch id {
	case 1, 7, 195:
		return int64(today.Uint32N(240_000_000))
	case 9, 240:
		return int64(age)
	case 4, 12, 192:
		return int64(3 + age/3000)
	case 193:
		return int64(age * busy / 50)
	case 241, 242:
		return int64(age) * int64(busy) * 700_000 % math.MaxUint32 * 7
	case 190, 194:
		return int64(22 + rng.IntN(14) + today.IntN(4))
	case 5, 187, 197, 198:
		if sick {
			return int64(rng.IntN(age/40) * (age / 400) / 8)
		}
	}
	return 0
}

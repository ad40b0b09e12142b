package hist

// The purposes of draws: each has its own stream.
const (
	drawBins = iota
	drawRows
	drawColumns
	drawNodeColumns
	drawRounding
	drawGOSS
)

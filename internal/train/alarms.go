package train

import "math"

// crowd is how many times the wanted weight the highest equal scores may have and
// still raise an alarm.
const crowd = 5

// cutAt returns the score from which on as much of the weight as possible, but not
// more than wanted, lies. Scores come in descending order; equal ones are on one
// side. When the highest equal scores weigh more than wanted already, they count if
// they are no crowd; otherwise the cut is above them, and no row reaches it.
func cutAt(scores, weights []float64, wanted float64) float64 {
	cut, seen := math.NaN(), 0.0
	for i := 0; i < len(scores); {
		v := scores[i]
		for ; i < len(scores) && scores[i] == v; i++ {
			seen += weights[i]
		}
		if seen > wanted && cut == cut {
			return cut
		}
		if cut = v; seen > wanted {
			if seen > crowd*wanted {
				cut = math.Nextafter(v, math.Inf(1))
			}
			return cut
		}
	}
	if cut != cut {
		return 1
	}
	return cut
}

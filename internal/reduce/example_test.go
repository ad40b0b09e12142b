package reduce_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"

	"github.com/drivecast/drivecast/internal/reduce"
)

// Two processes, here goroutines, add up what they have counted.
func Example() {
	c, err := reduce.NewCoordinator(2, "between us", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(c)
	defer server.Close()
	counts := [2][]int64{{10, 1}, {20, 2}}
	var wg sync.WaitGroup
	for rank := range counts {
		wg.Go(func() {
			if err := reduce.NewClient(server.URL, rank, "between us", nil).Sum(context.Background(), counts[rank]); err != nil {
				fmt.Println(err)
			}
		})
	}
	wg.Wait()
	fmt.Println(counts)
	// Output: [[30 3] [30 3]]
}

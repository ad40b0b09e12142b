// Command drivecast predicts hard-drive failures and runs the whole loop around
// the prediction: data, training, tracking, registry, serving.
package main

import "fmt"

func main() { fmt.Println("drivecast") }

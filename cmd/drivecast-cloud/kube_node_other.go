//go:build !unix

package main

import "github.com/spf13/cobra"

// kubeNode is for Unix only.
func (a *app) kubeNode() []*cobra.Command { return nil }

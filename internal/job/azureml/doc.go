// Package azureml turns Azure ML's YAML into what Azure ML's REST API takes: the
// `properties` of a job, as Microsoft's Python SDK (azure-ai-ml 1.35.2) writes
// them. It works without a network.
package azureml

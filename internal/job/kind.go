package job

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kind is what a document describes, spelled as in the last part of Azure ML's
// $schema (commandJob, sweepJob, …).
type Kind string

// The kinds that drivecast reads.
const (
	KindUnknown            Kind = ""
	KindCommand            Kind = "commandJob"
	KindSweep              Kind = "sweepJob"
	KindPipeline           Kind = "pipelineJob"
	KindSpark              Kind = "sparkJob"
	KindAutoML             Kind = "autoMLJob"
	KindCommandComponent   Kind = "commandComponent"
	KindParallelComponent  Kind = "parallelComponent"
	KindPipelineComponent  Kind = "pipelineComponent"
	KindSparkComponent     Kind = "sparkComponent"
	KindSchedule           Kind = "schedule"
	KindAmlCompute         Kind = "amlCompute"
	KindComputeInstance    Kind = "computeInstance"
	KindVMCompute          Kind = "vmCompute"
	KindEnvironment        Kind = "environment"
	KindData               Kind = "data"
	KindDataImport         Kind = "dataImport"
	KindModel              Kind = "model"
	KindModelPackage       Kind = "modelVersionPackage"
	KindOnlineEndpoint     Kind = "managedOnlineEndpoint"
	KindOnlineDeployment   Kind = "managedOnlineDeployment"
	KindKubeEndpoint       Kind = "kubernetesOnlineEndpoint"
	KindKubeDeployment     Kind = "kubernetesOnlineDeployment"
	KindBatchEndpoint      Kind = "batchEndpoint"
	KindBatchDeployment    Kind = "batchDeployment"
	KindModelBatch         Kind = "modelBatchDeployment"
	KindPipelineBatch      Kind = "pipelineComponentBatchDeployment"
	KindDatastore          Kind = "datastore"
	KindWorkspace          Kind = "workspace"
	KindConnection         Kind = "connection"
	KindFeatureSet         Kind = "featureSet"
	KindFeatureStore       Kind = "featureStore"
	KindFeatureStoreEntity Kind = "featureStoreEntity"
	KindFlow               Kind = "flow"
	KindFlowRun            Kind = "flowRun"

	KindStep Kind = "step" // in a catalog: a step of a pipeline that can be reused
)

// Kinds lists every kind that drivecast reads.
func Kinds() []Kind {
	out := make([]Kind, 0, len(kindShapes()))
	for _, k := range kindShapes() {
		out = append(out, k.kind)
	}
	return out
}

type kindShape struct {
	kind Kind
	is   func() *shape
}

// kindShapes says which shape each kind has.
func kindShapes() []kindShape {
	return []kindShape{
		{KindCommand, commandJob}, {KindSweep, sweepJob}, {KindPipeline, pipelineJob}, {KindSpark, sparkJob}, {KindAutoML, autoMLJob},
		{KindCommandComponent, commandComponent}, {KindParallelComponent, parallelComponent},
		{KindPipelineComponent, pipelineComponent}, {KindSparkComponent, sparkComponent},
		{KindSchedule, schedule}, {KindAmlCompute, amlCompute}, {KindComputeInstance, computeInstance}, {KindVMCompute, vmCompute},
		{KindEnvironment, environmentAsset}, {KindData, dataAsset}, {KindDataImport, dataImport},
		{KindModel, modelAsset}, {KindModelPackage, modelPackage},
		{KindOnlineEndpoint, managedEndpoint}, {KindOnlineDeployment, managedDeployment},
		{KindKubeEndpoint, kubeEndpoint}, {KindKubeDeployment, kubeDeployment},
		{KindBatchEndpoint, batchEndpoint}, {KindBatchDeployment, batchDeployment("batchDeployment")},
		{KindModelBatch, batchDeployment("modelBatchDeployment")}, {KindPipelineBatch, batchDeployment("pipelineBatchDeployment")},
		{KindDatastore, datastore}, {KindWorkspace, workspace}, {KindConnection, connection},
		{KindFeatureSet, featureSet}, {KindFeatureStore, featureStore}, {KindFeatureStoreEntity, featureStoreEntity},
		{KindFlow, flow}, {KindFlowRun, flowRun},
	}
}

func shapeOf(k Kind) *shape {
	for _, s := range kindShapes() {
		if s.kind == k {
			return s.is()
		}
	}
	return nil
}

// schemaNames are names of $schema that differ from the kind they stand for.
var schemaNames = map[string]Kind{
	"azureblob": KindDatastore, "azurefile": KindDatastore, "azuredatalakegen1": KindDatastore,
	"azuredatalakegen2": KindDatastore, "azureopenaiconnection": KindConnection, "run": KindFlowRun,
	"onlineendpoint": KindOnlineEndpoint, "onlinedeployment": KindOnlineDeployment,
	"kubernetesonlineendpoint": KindKubeEndpoint, "kubernetesonlinedeployment": KindKubeDeployment,
}

// kindOf dispatches on $schema, then on `type:`, then on the fields present.
func kindOf(root *yaml.Node) Kind {
	name := strings.ToLower(path.Base(strings.TrimSpace(text(root, "$schema"))))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".schema")
	if k, ok := schemaNames[name]; ok {
		return k
	}
	for _, k := range Kinds() {
		if strings.EqualFold(name, string(k)) {
			return k
		}
	}
	if k := kindByType(root); k != KindUnknown {
		return k
	}
	return kindByFields(root)
}

// kindByType tells jobs, components and computes by their `type:`.
func kindByType(root *yaml.Node) Kind {
	component := child(root, "jobs") == nil && (child(root, "version") != nil || child(root, "is_deterministic") != nil) || declares(root)
	switch strings.ToLower(text(root, "type")) {
	case "command":
		if component && child(root, "compute") == nil && child(root, "experiment_name") == nil {
			return KindCommandComponent
		}
		return KindCommand
	case "sweep":
		return KindSweep
	case "pipeline":
		if component {
			return KindPipelineComponent
		}
		return KindPipeline
	case "pipeline_component":
		return KindPipelineComponent
	case "parallel":
		return KindParallelComponent
	case "spark":
		return KindSpark
	case "automl":
		return KindAutoML
	case "amlcompute":
		return KindAmlCompute
	case "computeinstance":
		return KindComputeInstance
	case "virtualmachine":
		return KindVMCompute
	case "kubernetes":
		return KindKubeDeployment
	case "model":
		if child(root, "endpoint_name") != nil {
			return KindModelBatch
		}
		return KindModel
	case "azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2":
		return KindDatastore
	case "uri_file", "uri_folder", "mltable":
		if child(root, "source") != nil {
			return KindDataImport
		}
		return KindData
	case "mlflow_model", "custom_model", "triton_model":
		return KindModel
	}
	return KindUnknown
}

// declares reports whether an input is declared (with a type of value, as
// components do) and no job-only field is there.
func declares(root *yaml.Node) bool {
	if child(root, "compute") != nil || child(root, "experiment_name") != nil || child(root, "settings") != nil {
		return false
	}
	inputs := child(root, "inputs")
	if inputs == nil || inputs.Kind != yaml.MappingNode {
		return false
	}
	for i := 1; i < len(inputs.Content); i += 2 {
		in := inputs.Content[i]
		if in.Kind == yaml.MappingNode && child(in, "path") == nil && child(in, "value") == nil && child(in, "type") != nil {
			return true
		}
	}
	return false
}

// kindByFields recognises documents that say neither $schema nor type, by the
// fields that only one kind has.
func kindByFields(root *yaml.Node) Kind {
	has := func(names ...string) bool {
		for _, n := range names {
			if child(root, n) == nil {
				return false
			}
		}
		return true
	}
	switch {
	case has("trial", "search_space"):
		return KindSweep
	case has("jobs"):
		return KindPipeline
	case has("command"):
		return KindCommand
	case has("trigger"):
		return KindSchedule
	case has("endpoint_name", "mini_batch_size"), has("endpoint_name", "output_action"):
		return KindBatchDeployment
	case has("endpoint_name"):
		return KindOnlineDeployment
	case has("auth_mode"), has("traffic"):
		return KindOnlineEndpoint
	case has("specification"):
		return KindFeatureSet
	case has("target_environment"):
		return KindModelPackage
	case has("image"), has("conda_file"), has("build"):
		return KindEnvironment
	}
	return KindUnknown
}

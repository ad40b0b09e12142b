package azurefake

import (
	"context"
	"net/http"
	"strings"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"
)

// factory says what each of the SDK's methods does here.
func (s *Server) factory() *fake.ServerFactory {
	f := &fake.ServerFactory{}
	s.serveJobs(&f.JobsServer)
	s.serveAssets(f)
	s.serveComputes(&f.ComputeServer)
	s.serveSchedules(&f.SchedulesServer)
	f.WorkspacesServer.Get = func(_ context.Context, group, ws string, _ *arm.WorkspacesClientGetOptions) (resp azfake.Responder[arm.WorkspacesClientGetResponse], bad azfake.ErrorResponder) {
		address := strings.Replace(s.o.URL, "https://", "azureml://", 1) + "/mlflow/v1.0" + path(group, ws, "")
		resp.SetResponse(http.StatusOK, arm.WorkspacesClientGetResponse{Workspace: arm.Workspace{
			ID: to.Ptr(path(group, ws, "")), Name: &ws, Location: to.Ptr("local"),
			Properties: &arm.WorkspaceProperties{MlFlowTrackingURI: &address},
		}}, nil)
		return
	}
	f.DatastoresServer.Get = func(_ context.Context, group, ws, name string, _ *arm.DatastoresClientGetOptions) (resp azfake.Responder[arm.DatastoresClientGetResponse], bad azfake.ErrorResponder) {
		resp.SetResponse(http.StatusOK, arm.DatastoresClientGetResponse{Datastore: arm.Datastore{
			ID: to.Ptr(path(group, ws, "datastores/"+name)), Name: &name,
			Properties: &arm.AzureBlobDatastore{
				DatastoreType: to.Ptr(arm.DatastoreTypeAzureBlob), AccountName: to.Ptr("local"), ContainerName: to.Ptr(store), Endpoint: to.Ptr("local"),
				Credentials: &arm.SasDatastoreCredentials{CredentialsType: to.Ptr(arm.CredentialsTypeSas)},
			},
		}}, nil)
		return
	}
	f.DatastoresServer.ListSecrets = func(context.Context, string, string, string, *arm.DatastoresClientListSecretsOptions) (resp azfake.Responder[arm.DatastoresClientListSecretsResponse], bad azfake.ErrorResponder) {
		resp.SetResponse(http.StatusOK, arm.DatastoresClientListSecretsResponse{
			DatastoreSecretsClassification: &arm.SasDatastoreSecrets{SecretsType: to.Ptr(arm.SecretsTypeSas), SasToken: to.Ptr("sig=" + s.state.Sig)},
		}, nil)
		return
	}
	f.UsagesServer.NewListPager = func(location string, _ *arm.UsagesClientListOptions) (resp azfake.PagerResponder[arm.UsagesClientListResponse]) {
		resp.AddPage(http.StatusOK, arm.UsagesClientListResponse{ListUsagesResult: arm.ListUsagesResult{Value: []*arm.Usage{{
			Name: &arm.UsageName{Value: to.Ptr("Total Cluster Dedicated Regional vCPUs")}, CurrentValue: to.Ptr(int64(0)), Limit: to.Ptr(int64(100)),
			AmlWorkspaceLocation: &location,
		}}}}, nil)
		return
	}
	return f
}

// path is the ARM id of something in a workspace; the fake does not hand over the
// subscription, and all are one here.
func path(group, ws, rest string) string {
	id := "/subscriptions/local/resourceGroups/" + group + "/providers/Microsoft.MachineLearningServices/workspaces/" + ws
	if rest == "" {
		return id
	}
	return id + "/" + rest
}

// status is 201 for what is new.
func status(fresh bool) int {
	if fresh {
		return http.StatusCreated
	}
	return http.StatusOK
}

const missing = "ResourceNotFound"

// serveAssets keeps code, environments and models.
func (s *Server) serveAssets(f *fake.ServerFactory) {
	c := &f.CodeVersionsServer
	c.CreateOrGetStartPendingUpload = func(_ context.Context, _, _, name, version string, _ arm.PendingUploadRequestDto, _ *arm.CodeVersionsClientCreateOrGetStartPendingUploadOptions) (resp azfake.Responder[arm.CodeVersionsClientCreateOrGetStartPendingUploadResponse], bad azfake.ErrorResponder) {
		container := "code-" + name + "-" + version
		resp.SetResponse(http.StatusOK, arm.CodeVersionsClientCreateOrGetStartPendingUploadResponse{PendingUploadResponseDto: arm.PendingUploadResponseDto{
			PendingUploadID: to.Ptr(name), PendingUploadType: to.Ptr(arm.PendingUploadTypeTemporaryBlobReference),
			BlobReferenceForConsumption: &arm.BlobReferenceForConsumptionDto{
				BlobURI:    to.Ptr(s.o.URL + "/blob/" + container),
				Credential: &arm.SASCredentialDto{CredentialType: to.Ptr(arm.PendingUploadCredentialTypeSAS), SasURI: to.Ptr(s.blobURL(container))},
			},
		}}, nil)
		return
	}
	c.CreateOrUpdate = func(_ context.Context, group, ws, name, version string, body arm.CodeVersion, _ *arm.CodeVersionsClientCreateOrUpdateOptions) (resp azfake.Responder[arm.CodeVersionsClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		rest := "codes/" + name + "/versions/" + version
		body.ID, body.Name = to.Ptr(path(group, ws, rest)), &version
		fresh, err := s.put(ws+"/"+rest, body)
		if err != nil {
			bad.SetError(err)
			return
		}
		resp.SetResponse(status(fresh), arm.CodeVersionsClientCreateOrUpdateResponse{CodeVersion: body}, nil)
		return
	}
	c.Get = func(_ context.Context, _, ws, name, version string, _ *arm.CodeVersionsClientGetOptions) (resp azfake.Responder[arm.CodeVersionsClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.CodeVersionsClientGetResponse
		if !s.get(ws+"/codes/"+name+"/versions/"+version, &out.CodeVersion) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
	s.serveEnvironments(f)
	s.serveComponents(f)
	s.serveModels(&f.ModelVersionsServer, &f.ModelContainersServer)
}

func (s *Server) serveEnvironments(f *fake.ServerFactory) {
	e := &f.EnvironmentVersionsServer
	e.CreateOrUpdate = func(_ context.Context, group, ws, name, version string, body arm.EnvironmentVersion, _ *arm.EnvironmentVersionsClientCreateOrUpdateOptions) (resp azfake.Responder[arm.EnvironmentVersionsClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		rest := "environments/" + name + "/versions/" + version
		body.ID, body.Name = to.Ptr(path(group, ws, rest)), &version
		fresh, err := s.put(ws+"/"+rest, body)
		if err == nil {
			_, err = s.put(ws+"/environments/"+name, arm.EnvironmentContainer{
				ID: to.Ptr(path(group, ws, "environments/"+name)), Name: &name, Properties: &arm.EnvironmentContainerProperties{LatestVersion: &version},
			})
		}
		if err != nil {
			bad.SetError(err)
			return
		}
		resp.SetResponse(status(fresh), arm.EnvironmentVersionsClientCreateOrUpdateResponse{EnvironmentVersion: body}, nil)
		return
	}
	e.Get = func(_ context.Context, _, ws, name, version string, _ *arm.EnvironmentVersionsClientGetOptions) (resp azfake.Responder[arm.EnvironmentVersionsClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.EnvironmentVersionsClientGetResponse
		if !s.get(ws+"/environments/"+name+"/versions/"+version, &out.EnvironmentVersion) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
	f.EnvironmentContainersServer.Get = func(_ context.Context, _, ws, name string, _ *arm.EnvironmentContainersClientGetOptions) (resp azfake.Responder[arm.EnvironmentContainersClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.EnvironmentContainersClientGetResponse
		if !s.get(ws+"/environments/"+name, &out.EnvironmentContainer) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
}

func (s *Server) serveModels(m *fake.ModelVersionsServer, c *fake.ModelContainersServer) {
	c.Get = func(_ context.Context, _, ws, name string, _ *arm.ModelContainersClientGetOptions) (resp azfake.Responder[arm.ModelContainersClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.ModelContainersClientGetResponse
		if !s.get(ws+"/models/"+name, &out.ModelContainer) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
	m.CreateOrUpdate = func(_ context.Context, group, ws, name, version string, body arm.ModelVersion, _ *arm.ModelVersionsClientCreateOrUpdateOptions) (resp azfake.Responder[arm.ModelVersionsClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		rest := "models/" + name + "/versions/" + version
		body.ID, body.Name = to.Ptr(path(group, ws, rest)), &version
		fresh, err := s.put(ws+"/"+rest, body)
		if err == nil {
			_, err = s.put(ws+"/models/"+name, arm.ModelContainer{
				ID: to.Ptr(path(group, ws, "models/"+name)), Name: &name, Properties: &arm.ModelContainerProperties{LatestVersion: &version},
			})
		}
		if err != nil {
			bad.SetError(err)
			return
		}
		resp.SetResponse(status(fresh), arm.ModelVersionsClientCreateOrUpdateResponse{ModelVersion: body}, nil)
		return
	}
	m.Get = func(_ context.Context, _, ws, name, version string, _ *arm.ModelVersionsClientGetOptions) (resp azfake.Responder[arm.ModelVersionsClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.ModelVersionsClientGetResponse
		if !s.get(ws+"/models/"+name+"/versions/"+version, &out.ModelVersion) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
}

func (s *Server) serveComputes(c *fake.ComputeServer) {
	c.BeginCreateOrUpdate = func(_ context.Context, group, ws, name string, body arm.ComputeResource, _ *arm.ComputeClientBeginCreateOrUpdateOptions) (resp azfake.PollerResponder[arm.ComputeClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		body.ID, body.Name = to.Ptr(path(group, ws, "computes/"+name)), &name
		if k, ok := body.Properties.(*arm.AmlCompute); ok {
			k.ProvisioningState = to.Ptr(arm.ProvisioningStateSucceeded)
		}
		if _, err := s.put(ws+"/computes/"+name, body); err != nil {
			bad.SetError(err)
			return
		}
		resp.SetTerminalResponse(http.StatusOK, arm.ComputeClientCreateOrUpdateResponse{ComputeResource: body}, nil)
		return
	}
	c.Get = func(_ context.Context, _, ws, name string, _ *arm.ComputeClientGetOptions) (resp azfake.Responder[arm.ComputeClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.ComputeClientGetResponse
		if !s.get(ws+"/computes/"+name, &out.ComputeResource) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
	c.BeginUpdate = func(_ context.Context, _, ws, name string, body arm.ClusterUpdateParameters, _ *arm.ComputeClientBeginUpdateOptions) (resp azfake.PollerResponder[arm.ComputeClientUpdateResponse], bad azfake.ErrorResponder) {
		var now arm.ComputeResource
		k, ok := (*arm.AmlCompute)(nil), s.get(ws+"/computes/"+name, &now)
		if ok {
			k, ok = now.Properties.(*arm.AmlCompute)
		}
		if !ok {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		if p := body.Properties; p != nil && p.Properties != nil && p.Properties.ScaleSettings != nil && k.Properties != nil {
			k.Properties.ScaleSettings = p.Properties.ScaleSettings
		}
		if _, err := s.put(ws+"/computes/"+name, now); err != nil {
			bad.SetError(err)
			return
		}
		resp.SetTerminalResponse(http.StatusOK, arm.ComputeClientUpdateResponse{ComputeResource: now}, nil)
		return
	}
}

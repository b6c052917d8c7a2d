// A double of Terraform's providers for AWS, Google Cloud and Azure: it speaks the real plugin protocol and has the
// published names and types (tests/fixtures/terraform/schema-*.json), and no cloud behind it. It makes up what a cloud would
// answer, and refuses to remove a protected machine as the clouds do. Which provider it is, its file name says.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type schema struct {
	Arguments  map[string]string `json:"arguments"`
	Attributes map[string]string `json:"attributes"`
	Blocks     map[string]schema `json:"blocks"`
	Required   []string          `json:"required"`
}

type facts struct {
	Resources map[string]schema `json:"resources"`
	Data      map[string]schema `json:"data"`
}

// What the root modules of the examples write into a provider's own block.
var settings = map[string]schema{
	"aws":     {Arguments: map[string]string{"region": "string"}},
	"google":  {Arguments: map[string]string{"project": "string", "region": "string"}},
	"azurerm": {Blocks: map[string]schema{"features": {}}, Required: []string{"features"}},
}

func kind(name string) tftypes.Type {
	switch name {
	case "string":
		return tftypes.String
	case "number":
		return tftypes.Number
	case "bool":
		return tftypes.Bool
	case "list(string)":
		return tftypes.List{ElementType: tftypes.String}
	case "list(number)":
		return tftypes.List{ElementType: tftypes.Number}
	case "map":
		return tftypes.Map{ElementType: tftypes.String}
	default:
		return tftypes.DynamicPseudoType
	}
}

func (s schema) block(top bool) *tfprotov5.SchemaBlock {
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	block := &tfprotov5.SchemaBlock{}
	add := func(name, word string, isRequired bool) {
		block.Attributes = append(block.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: kind(word), Required: isRequired, Optional: !isRequired, Computed: !isRequired,
		})
	}
	for name, word := range s.Arguments {
		add(name, word, required[name])
	}
	for name, word := range s.Attributes {
		block.Attributes = append(block.Attributes, &tfprotov5.SchemaAttribute{Name: name, Type: kind(word), Computed: true})
	}
	_, given := s.Arguments["id"]
	_, told := s.Attributes["id"]
	if top && !given && !told {
		block.Attributes = append(block.Attributes, &tfprotov5.SchemaAttribute{Name: "id", Type: tftypes.String, Computed: true})
	}
	for name, inner := range s.Blocks {
		least := int64(0)
		if required[name] {
			least = 1
		}
		block.BlockTypes = append(block.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Nesting: tfprotov5.SchemaNestedBlockNestingModeList, Block: inner.block(false), MinItems: least,
		})
	}
	return block
}

func (s schema) full() *tfprotov5.Schema { return &tfprotov5.Schema{Block: s.block(true)} }

type server struct {
	name  string
	facts facts
}

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	answer := &tfprotov5.GetMetadataResponse{}
	for name := range s.facts.Resources {
		answer.Resources = append(answer.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.facts.Data {
		answer.DataSources = append(answer.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return answer, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	answer := &tfprotov5.GetProviderSchemaResponse{
		Provider:          &tfprotov5.Schema{Block: settings[s.name].block(false)},
		ResourceSchemas:   map[string]*tfprotov5.Schema{},
		DataSourceSchemas: map[string]*tfprotov5.Schema{},
	}
	for name, one := range s.facts.Resources {
		answer.ResourceSchemas[name] = one.full()
	}
	for name, one := range s.facts.Data {
		answer.DataSourceSchemas[name] = one.full()
	}
	return answer, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s *server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (s *server) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (s *server) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	typ := s.facts.Resources[r.TypeName].full().ValueType()
	value, err := r.RawState.Unmarshal(typ)
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(typ, value)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (s *server) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState}, nil
}

// What only the cloud knows is unknown until it is made; what is made keeps it.
func (s *server) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	typ := s.facts.Resources[r.TypeName].full().ValueType()
	proposed, err := r.ProposedNewState.Unmarshal(typ)
	if err != nil {
		return nil, err
	}
	prior, err := r.PriorState.Unmarshal(typ)
	if err != nil {
		return nil, err
	}
	if proposed.IsNull() || !prior.IsNull() {
		return &tfprotov5.PlanResourceChangeResponse{PlannedState: r.ProposedNewState}, nil
	}
	planned, err := tftypes.Transform(proposed, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if len(path.Steps()) == 0 || !value.IsNull() {
			return value, nil
		}
		return tftypes.NewValue(value.Type(), tftypes.UnknownValue), nil
	})
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(typ, planned)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &state}, err
}

func (s *server) ApplyResourceChange(_ context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	typ := s.facts.Resources[r.TypeName].full().ValueType()
	planned, err := r.PlannedState.Unmarshal(typ)
	if err != nil {
		return nil, err
	}
	if planned.IsNull() {
		prior, err := r.PriorState.Unmarshal(typ)
		if err != nil {
			return nil, err
		}
		if protected(prior) {
			refusal := &tfprotov5.Diagnostic{Severity: tfprotov5.DiagnosticSeverityError, Summary: "the machine is protected against deletion"}
			return &tfprotov5.ApplyResourceChangeResponse{NewState: r.PriorState, Diagnostics: []*tfprotov5.Diagnostic{refusal}}, nil
		}
		return &tfprotov5.ApplyResourceChangeResponse{NewState: r.PlannedState}, nil
	}
	made, err := tftypes.Transform(planned, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if value.IsKnown() {
			return value, nil
		}
		return answer(r.TypeName, path, value.Type()), nil
	})
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(typ, made)
	return &tfprotov5.ApplyResourceChangeResponse{NewState: &state}, err
}

func protected(value tftypes.Value) bool {
	var fields map[string]tftypes.Value
	if value.As(&fields) != nil {
		return false
	}
	for _, name := range []string{"disable_api_termination", "deletion_protection"} {
		var on bool
		if field, has := fields[name]; has && field.IsKnown() && !field.IsNull() && field.As(&on) == nil && on {
			return true
		}
	}
	return false
}

// What a cloud might answer.
func answer(resource string, path *tftypes.AttributePath, typ tftypes.Type) tftypes.Value {
	name := ""
	for _, step := range path.Steps() {
		if attribute, is := step.(tftypes.AttributeName); is {
			name = string(attribute)
		}
	}
	switch {
	case typ.Is(tftypes.String) && (strings.Contains(name, "private_ip") || name == "network_ip"):
		return tftypes.NewValue(typ, "10.77.0.7")
	case typ.Is(tftypes.String) && (name == "public_ip" || name == "address" || name == "ip_address"):
		return tftypes.NewValue(typ, os.Getenv("DOUBLE_ADDRESS"))
	case typ.Is(tftypes.String):
		return tftypes.NewValue(typ, resource+"-"+name)
	case typ.Is(tftypes.List{}):
		return tftypes.NewValue(typ, []tftypes.Value{})
	case typ.Is(tftypes.DynamicPseudoType):
		return tftypes.NewValue(tftypes.String, nil)
	default:
		return tftypes.NewValue(typ, nil)
	}
}

func (s *server) ImportResourceState(context.Context, *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	refusal := &tfprotov5.Diagnostic{Severity: tfprotov5.DiagnosticSeverityError, Summary: "there is nothing to import"}
	return &tfprotov5.ImportResourceStateResponse{Diagnostics: []*tfprotov5.Diagnostic{refusal}}, nil
}

func (s *server) MoveResourceState(context.Context, *tfprotov5.MoveResourceStateRequest) (*tfprotov5.MoveResourceStateResponse, error) {
	refusal := &tfprotov5.Diagnostic{Severity: tfprotov5.DiagnosticSeverityError, Summary: "there is nothing to move"}
	return &tfprotov5.MoveResourceStateResponse{Diagnostics: []*tfprotov5.Diagnostic{refusal}}, nil
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	one := s.facts.Data[r.TypeName]
	typ := one.full().ValueType()
	asked, err := r.Config.Unmarshal(typ)
	if err != nil {
		return nil, err
	}
	found, err := tftypes.Transform(asked, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		steps := path.Steps()
		if len(steps) != 1 || !value.IsNull() {
			return value, nil
		}
		switch name := string(steps[0].(tftypes.AttributeName)); {
		case name == "query_value":
			return hostKeys(), nil
		case value.Type().Is(tftypes.List{ElementType: tftypes.String}):
			return tftypes.NewValue(value.Type(), []tftypes.Value{tftypes.NewValue(tftypes.String, "first")}), nil
		default:
			return answer(r.TypeName, path, value.Type()), nil
		}
	})
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(typ, found)
	return &tfprotov5.ReadDataSourceResponse{State: &state}, err
}

// What Google's guest agent writes of a host's SSH keys.
func hostKeys() tftypes.Value {
	row := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"key": tftypes.String, "namespace": tftypes.String, "value": tftypes.String}}
	text := func(value string) tftypes.Value { return tftypes.NewValue(tftypes.String, value) }
	return tftypes.NewValue(tftypes.List{ElementType: row}, []tftypes.Value{
		tftypes.NewValue(row, map[string]tftypes.Value{
			"key": text("ecdsa-sha2-nistp256"), "namespace": text("hostkeys"), "value": text("AAAA"),
		}),
		tftypes.NewValue(row, map[string]tftypes.Value{
			"key": text("ssh-ed25519"), "namespace": text("hostkeys"), "value": text(os.Getenv("DOUBLE_HOST_KEY")),
		}),
	})
}

func (s *server) CallFunction(context.Context, *tfprotov5.CallFunctionRequest) (*tfprotov5.CallFunctionResponse, error) {
	return &tfprotov5.CallFunctionResponse{Error: &tfprotov5.FunctionError{Text: "there are no functions"}}, nil
}

func (s *server) GetFunctions(context.Context, *tfprotov5.GetFunctionsRequest) (*tfprotov5.GetFunctionsResponse, error) {
	return &tfprotov5.GetFunctionsResponse{}, nil
}

func (s *server) ValidateEphemeralResourceConfig(context.Context, *tfprotov5.ValidateEphemeralResourceConfigRequest) (*tfprotov5.ValidateEphemeralResourceConfigResponse, error) {
	return &tfprotov5.ValidateEphemeralResourceConfigResponse{}, nil
}

func (s *server) OpenEphemeralResource(context.Context, *tfprotov5.OpenEphemeralResourceRequest) (*tfprotov5.OpenEphemeralResourceResponse, error) {
	return &tfprotov5.OpenEphemeralResourceResponse{}, nil
}

func (s *server) RenewEphemeralResource(context.Context, *tfprotov5.RenewEphemeralResourceRequest) (*tfprotov5.RenewEphemeralResourceResponse, error) {
	return &tfprotov5.RenewEphemeralResourceResponse{}, nil
}

func (s *server) CloseEphemeralResource(context.Context, *tfprotov5.CloseEphemeralResourceRequest) (*tfprotov5.CloseEphemeralResourceResponse, error) {
	return &tfprotov5.CloseEphemeralResourceResponse{}, nil
}

func main() {
	name := strings.TrimPrefix(strings.Split(filepath.Base(os.Args[0]), "_")[0], "terraform-provider-")
	text, err := os.ReadFile(filepath.Join(os.Getenv("DOUBLE_SCHEMAS"), "schema-"+name+".json"))
	if err != nil {
		log.Fatal(err)
	}
	double := &server{name: name}
	if err := json.Unmarshal(text, &double.facts); err != nil {
		log.Fatal(err)
	}
	err = tf5server.Serve("registry.terraform.io/hashicorp/"+name, func() tfprotov5.ProviderServer { return double })
	if err != nil {
		log.Fatal(err)
	}
}

//! The JSON Schema of `anteroom.toml`, for editors. It comes from the raw shapes; what spans several keys is left to
//! the rules.

use schemars::Schema;
use schemars::SchemaGenerator;

use crate::spec::raw::RawSpec;

/// The JSON Schema (draft 2020-12) of the spec.
pub fn schema() -> Schema {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<RawSpec>();
    schema.insert("title".to_owned(), "anteroom.toml".into());
    schema
}

//! The `section!` macro: one declaration of a section's keys gives its raw shape, its reader and its JSON Schema, so
//! that the three cannot differ.

/// The type of a required or optional key.
macro_rules! need {
    (required $shape:ty) => { $crate::spec::reader::Must<$shape> };
    (optional $shape:ty) => { $crate::spec::reader::May<$shape> };
}

/// The key in a list of required ones, when it is.
macro_rules! required_key {
    (required $key:ident) => {
        Some(stringify!($key))
    };
    (optional $key:ident) => {
        None
    };
}

/// Declares a section. Each key: its documentation, `required` or `optional`, its name and its shape.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident($title:literal) {
            $($(#[doc = $doc:literal])+ $need:ident $key:ident: $shape:ty,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[doc = $doc])+ pub(crate) $key: $crate::spec::section::need!($need $shape),)+
        }

        impl $name {
            /// Every key that the section knows.
            pub(crate) const KEYS: &[&'static str] = &[$(stringify!($key)),+];

            /// Reads the keys of an opened table.
            pub(crate) fn from_table(
                table: &$crate::spec::reader::Table<'_, '_>,
                docket: &mut $crate::spec::docket::Docket,
            ) -> Self {
                let raw = Self {
                    $($key: table.$need(stringify!($key), concat!($($doc),+).trim_start(), docket),)+
                };
                table.close(Self::KEYS, docket);
                raw
            }
        }

        impl $crate::spec::reader::Shape for $name {
            fn expected() -> String {
                "a table".to_owned()
            }

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                at: &$crate::spec::reader::At,
                docket: &mut $crate::spec::docket::Docket,
            ) -> Result<Self, $crate::spec::docket::Refused> {
                let table = $crate::spec::reader::Table::open::<Self>(value, at, docket)?;
                Ok(Self::from_table(&table, docket))
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Self>()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut properties = serde_json::Map::new();
                $(
                    let mut key = <$shape as $crate::spec::reader::Shape>::schema(generator);
                    key.insert("description".to_owned(), concat!($($doc),+).trim_start().into());
                    properties.insert(stringify!($key).to_owned(), key.into());
                )+
                let required: Vec<&str> =
                    [$($crate::spec::section::required_key!($need $key)),+].into_iter().flatten().collect();
                schemars::json_schema!({
                    "type": "object",
                    "description": concat!($($about),+).trim_start(),
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                })
            }
        }
    };
}

pub(crate) use need;
pub(crate) use required_key;
pub(crate) use section;

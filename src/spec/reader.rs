//! Reads TOML values into raw shapes and goes on after a mistake, so that all problems are found at once. It knows
//! types and keys, not what they mean.

use schemars::Schema;
use schemars::SchemaGenerator;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::spec::docket::Docket;
use crate::spec::docket::Refused;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::suggest;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Spot<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was written.
    pub(crate) place: Place,
}

/// A key that must be there. `Err`: it is not, or its value is unusable, and that was written down.
pub(crate) type Must<T> = Result<Spot<T>, Refused>;

/// A key that may be there. `Err`: its value is unusable, and that was written down.
pub(crate) type May<T> = Result<Option<Spot<T>>, Refused>;

/// The key that is being read.
#[derive(Debug, Clone)]
pub(crate) struct At {
    /// The whole key, such as `deployment.domain`; empty for the document.
    pub(crate) path: String,
    /// What the key is about, for help.
    pub(crate) about: &'static str,
}

impl At {
    /// A problem with the value of this key; its help is what the key is about.
    pub(crate) fn problem(&self, code: &'static str, place: Place, what: &str) -> Problem {
        Problem::new(code, place, format!("`{}` {what}", self.path)).help(format!("`{}`: {}", self.path, self.about))
    }
}

/// A type that a TOML value can be read into.
pub(crate) trait Shape: Sized {
    /// What is expected, with its article: `a string`.
    fn expected() -> String;

    /// Reads the value; writes down everything that is wrong with it.
    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused>;

    /// The JSON Schema of the type.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// Writes down that a value has the wrong type.
pub(crate) fn wrong_type<T: Shape>(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Refused {
    let what = format!("must be {}, but is {}", T::expected(), kind(value.get_ref()));
    docket.refuse(at.problem("spec/wrong-type", value.span().into(), &what))
}

/// A table that is being read key by key.
pub(crate) struct Table<'t, 'i> {
    place: Place,
    path: String,
    entries: &'t DeTable<'i>,
}

impl<'t, 'i> Table<'t, 'i> {
    /// Begins with the document.
    pub(crate) fn document(entries: &'t DeTable<'i>) -> Self {
        Self {
            place: Place::File,
            path: String::new(),
            entries,
        }
    }

    /// Begins with a table inside the document.
    pub(crate) fn open<T: Shape>(
        value: &'t Spanned<DeValue<'i>>,
        at: &At,
        docket: &mut Docket,
    ) -> Result<Self, Refused> {
        match value.get_ref() {
            DeValue::Table(entries) => Ok(Self {
                place: value.span().into(),
                path: at.path.clone(),
                entries,
            }),
            _ => Err(wrong_type::<T>(value, at, docket)),
        }
    }

    /// Where the table begins.
    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Reads a key that may be there.
    pub(crate) fn optional<T: Shape>(&self, key: &str, about: &'static str, docket: &mut Docket) -> May<T> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let place = value.span().into();
        let value = T::read(value, &self.at(key, about), docket)?;
        Ok(Some(Spot { value, place }))
    }

    /// Reads a key that must be there.
    pub(crate) fn required<T: Shape>(&self, key: &str, about: &'static str, docket: &mut Docket) -> Must<T> {
        if let Some(spot) = self.optional(key, about, docket)? {
            return Ok(spot);
        }
        let what = match T::expected().as_str() {
            "a table" => format!("the section `[{}]` is missing", self.at(key, about).path),
            _ if self.path.is_empty() => format!("the key `{key}` is missing"),
            _ => format!("the key `{key}` is missing in `[{}]`", self.path),
        };
        let help = format!("`{}`: {about}", self.at(key, about).path);
        Err(docket.refuse(Problem::new("spec/missing-key", self.place(), what).help(help)))
    }

    /// Writes down every key that no one asked for.
    pub(crate) fn close(&self, known: &[&'static str], docket: &mut Docket) {
        for (key, _) in self.entries {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let what = match self.path.as_str() {
                "" => format!("unknown key or section `{}`", name.escape_debug()),
                path => format!("unknown key `{}` in `[{path}]`", name.escape_debug()),
            };
            let problem = Problem::new("spec/unknown-key", key.span().into(), what);
            docket.refuse(problem.help(suggest::for_key(name, &self.path, known)));
        }
    }

    /// Every key and value, for tables whose keys are free.
    pub(crate) fn entries(
        &self,
    ) -> impl Iterator<Item = (&'t Spanned<toml::de::DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
        self.entries.iter()
    }

    /// The key below this table.
    pub(crate) fn at(&self, key: &str, about: &'static str) -> At {
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        At { path, about }
    }
}

/// What a value is, with its article.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false, without quotes",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

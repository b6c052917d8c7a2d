//! The plain values of a spec: text, numbers, dates, lists, maps. Whatever is text is safe to put on one line of a
//! config or a report: no control or invisible characters, and nothing that reads like a secret's slot.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use toml::Spanned;
use toml::de::DeValue;

use crate::spec::docket::Docket;
use crate::spec::docket::Refused;
use crate::spec::problem::Problem;
use crate::spec::reader::At;
use crate::spec::reader::Shape;
use crate::spec::reader::Spot;
use crate::spec::reader::Table;
use crate::spec::reader::wrong_type;

/// Text that may have several lines; it reaches reports, never a config.
#[derive(Debug, Clone)]
pub(crate) struct Prose(pub(crate) String);

/// A whole number within bounds, both included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count<const MIN: u32, const MAX: u32>(pub(crate) u32);

/// A table from free keys to text.
pub(crate) type Map = BTreeMap<String, Spot<String>>;

impl Shape for String {
    fn expected() -> String {
        "a string".to_owned()
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        text::<Self>(value, at, docket, |_| false)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

impl Shape for Prose {
    fn expected() -> String {
        "a string".to_owned()
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        text::<Self>(value, at, docket, |c| matches!(c, '\n' | '\r' | '\t')).map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// Reads text, refusing what must never reach a config or a terminal.
fn text<T: Shape>(
    value: &Spanned<DeValue<'_>>,
    at: &At,
    docket: &mut Docket,
    allowed: fn(char) -> bool,
) -> Result<String, Refused> {
    let DeValue::String(text) = value.get_ref() else {
        return Err(wrong_type::<T>(value, at, docket));
    };
    let place = || value.span().into();
    if text.trim().is_empty() {
        return Err(docket.refuse(at.problem("spec/empty", place(), "is empty")));
    }
    if let Some(character) = text.chars().find(|&c| is_hostile(c) && !allowed(c)) {
        let what = format!("holds U+{:04X}, a control or invisible character", u32::from(character));
        let problem = at.problem("spec/unprintable", place(), &what);
        return Err(docket.refuse(problem.help(
            "remove it; such characters can hide or split lines of the configuration files and reports made from the spec",
        )));
    }
    if text.contains("<secret:") {
        let problem = at.problem(
            "spec/secret-slot",
            place(),
            "holds `<secret:`, which stands for a host's secret",
        );
        return Err(docket.refuse(problem.help("remove it; secrets are made on the host and never named in a spec")));
    }
    Ok(text.clone().into_owned())
}

/// Control characters, line and paragraph separators, and what hides or reorders text: Unicode's characters that are
/// ignored by default, annotations, and the blanks that are letters.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl Shape for bool {
    fn expected() -> String {
        "true or false, without quotes".to_owned()
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(wrong_type::<Self>(value, at, docket)),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl<const MIN: u32, const MAX: u32> Shape for Count<MIN, MAX> {
    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        let DeValue::Integer(digits) = value.get_ref() else {
            return Err(wrong_type::<Self>(value, at, docket));
        };
        match u32::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => {
                let what = format!("must be {}, but is {digits}", Self::expected());
                Err(docket.refuse(at.problem("spec/out-of-range", value.span().into(), &what)))
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl Shape for Date {
    fn expected() -> String {
        "a date such as 2026-01-31".to_owned()
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(datetime) => datetime.to_string(),
            _ => return Err(wrong_type::<Self>(value, at, docket)),
        };
        // jiff would also take a time and drop it; a spec speaks of days only.
        match text.parse() {
            Ok(date) if text.len() == "2026-01-31".len() => Ok(date),
            _ => {
                let what = format!("must be {}, but is {text:?}", Self::expected());
                Err(docket.refuse(at.problem("spec/not-a-date", value.span().into(), &what)))
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}

impl<T: Shape> Shape for Vec<Spot<T>> {
    fn expected() -> String {
        match T::expected().as_str() {
            "a table" => "an array of tables".to_owned(),
            _ => "an array in square brackets".to_owned(),
        }
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        let DeValue::Array(items) = value.get_ref() else {
            return Err(wrong_type::<Self>(value, at, docket));
        };
        let read: Vec<Result<Spot<T>, Refused>> = items
            .iter()
            .map(|item| {
                let place = item.span().into();
                T::read(item, at, docket).map(|value| Spot { value, place })
            })
            .collect();
        read.into_iter().collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        json_schema!({ "type": "array", "items": items })
    }
}

impl Shape for Map {
    fn expected() -> String {
        "a table".to_owned()
    }

    fn read(value: &Spanned<DeValue<'_>>, at: &At, docket: &mut Docket) -> Result<Self, Refused> {
        let table = Table::open::<Self>(value, at, docket)?;
        let mut map = Ok(Self::new());
        for (key, value) in table.entries() {
            let below = table.at(&key.get_ref().escape_debug().to_string(), at.about);
            match (String::read(value, &below, docket), &mut map) {
                (Ok(text), Ok(map)) => {
                    let place = value.span().into();
                    map.insert(key.get_ref().to_string(), Spot { value: text, place });
                }
                (Ok(_), Err(_)) => {}
                (Err(refused), _) => map = Err(refused),
            }
        }
        map
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let values = String::schema(generator);
        json_schema!({ "type": "object", "additionalProperties": values })
    }
}

/// Writes down that a value is none of the known ones.
pub(crate) fn no_choice(
    text: &str,
    known: &[&str],
    later: &[&str],
    value: &Spanned<DeValue<'_>>,
    at: &At,
    docket: &mut Docket,
) -> Refused {
    let list: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
    let problem = if later.contains(&text) {
        let what = format!("`{}` = {text:?} is not available in this version", at.path);
        Problem::new("spec/not-available", value.span().into(), what)
    } else {
        let what = format!("`{}` has the unknown value {text:?}", at.path);
        Problem::new("spec/unknown-value", value.span().into(), what)
    };
    docket.refuse(problem.help(format!("write {}", list.join(" or "))))
}

/// An enum whose variants are written as strings. `later` holds values of versions to come.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident { $($text:literal => $variant:ident,)+ } later [$($later:literal),*]) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)+
        }

        impl $crate::spec::reader::Shape for $name {
            fn expected() -> String {
                "a string".to_owned()
            }

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                at: &$crate::spec::reader::At,
                docket: &mut $crate::spec::docket::Docket,
            ) -> Result<Self, $crate::spec::docket::Refused> {
                let text = <String as $crate::spec::reader::Shape>::read(value, at, docket)?;
                match text.as_str() {
                    $($text => Ok(Self::$variant),)+
                    other => Err($crate::spec::values::no_choice(other, &[$($text),+], &[$($later),*], value, at, docket)),
                }
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($text),+] })
            }
        }
    };
}

pub(crate) use choice;
